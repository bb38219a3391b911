"""The guards of connections: what keeps a stored secret where it belongs, and a check from telling what is not so."""

from __future__ import annotations

from scripts.guards.guards import Guard

_KEPT = ("tests/unit/connections/test_kept_secrets.py",)
_CHECKS = ("tests/integration/api/test_connection_checks.py",)
_LAST = ("tests/integration/connections/test_last_check.py",)

CONNECTION_GUARDS = (
    Guard(
        "a stored secret is not led elsewhere",
        "Who does not know a secret cannot have it sent to another host.",
        "mailroom/connections/service.py",
        "    kept_secrets.refuse_moved(wanted.settings, old, block)\n",
        "",
        _KEPT,
    ),
    Guard(
        "a setting of which nothing is said may decide where a secret goes",
        "Only what a kind calls harmless may change while its secrets stay.",
        "mailroom/connections/kept_secrets.py",
        '    return any(name == one or name.startswith(f"{one}.") for one in harmless)\n',
        "    return True\n",
        _KEPT,
    ),
    Guard(
        "no secret is kept that is not there",
        "A marker in the place of a secret is never stored as the secret.",
        "mailroom/connections/kept_secrets.py",
        "        raise nothing_to_keep(missing)\n",
        "        pass\n",
        _KEPT,
    ),
    Guard(
        "a secret that a far side repeats is masked",
        "What a server says to a wrong password is shown and kept without the password.",
        "mailroom/connections/checks.py",
        "            text = text.replace(secret, _MASK)\n",
        "            pass\n",
        ("tests/unit/connections/test_checks.py",),
    ),
    Guard(
        "settings that are not stored meet the guard of what leaves",
        "A check connects to nothing that a connection could not be saved with.",
        "api/actions/connections/unsaved.py",
        "            await screen(block)\n",
        "            pass\n",
        _CHECKS,
    ),
    Guard(
        "who may not make connections tries none",
        "A test of settings that are not stored reaches any host that the guard lets through.",
        "api/actions/distribution/actions.py",
        "    context.viewer.require(Action.CONNECTION_CREATE)\n",
        "",
        _CHECKS,
    ),
    Guard(
        "a check counts for the settings that it was made with",
        "A check that ends after a change says nothing about the new settings.",
        "mailroom/connections/repository.py",
        "Connection.updated_at == seen, earlier)\n",
        "earlier)\n",
        _LAST,
    ),
    Guard(
        "new settings forget the last check",
        "What worked yesterday is not said of other settings.",
        "mailroom/connections/repository.py",
        "    if not change.is_same:\n",
        "    if False:\n",
        _LAST,
    ),
)

#!/bin/sh
# Make a virtual environment with uv in it: scripts/venv.sh VENV PYTHON UV_VERSION
#
# Where PYTHON is not one that Mailroom runs on, uv looks for another on this machine, or fetches one.
set -eu
venv=$1 python=$2 uv_version=$3
wanted='>=3.11,<3.14'
here=$(dirname "$0")

say() { printf '%s\n' "$@" >&2; }

fits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

make_with() { # make_with PYTHON FOLDER
  "$1" -m venv "$2" || {
    rm -rf "$2"
    say "$1 cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"
    exit 1
  }
  "$2/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
}

find_or_fetch() {
  say "$("$python" --version 2>&1) is not one that Mailroom runs on (3.11 to 3.13); looking for another, or fetching one …"
  test -x "$venv-uv/bin/uv" || make_with "$python" "$venv-uv"
  "$here/uv.sh" "$venv-uv/bin/uv" venv --quiet --no-project --python "$wanted" "$venv" || {
    say "No Python 3.11 to 3.13 is on this machine, and none could be fetched." \
      "Install one (Debian and Ubuntu: apt install python3.13 python3.13-venv; Fedora: dnf install python3.13;" \
      "macOS: brew install python@3.13) and repeat, or name one: make setup PYTHON=/path/to/python3.13"
    exit 1
  }
  "$here/uv.sh" "$venv-uv/bin/uv" pip install --quiet --python "$venv/bin/python" "uv==$uv_version"
}

if ! command -v "$python" >/dev/null; then
  say "There is no $python on this machine. Install Python 3.11 to 3.13, or name yours: make setup PYTHON=/path/to/python3.13"
  exit 1
fi
if ! test -x "$venv/bin/uv" || ! fits "$venv/bin/python"; then
  rm -rf "$venv"
  if fits "$python"; then make_with "$python" "$venv"; else find_or_fetch; fi
fi

#!/bin/sh
# Run a uv, without its cache where this user cannot write that: scripts/uv.sh UV ARGUMENTS…
set -eu
cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
if ! { mkdir -p "$cache" && test -w "$cache"; } 2>/dev/null; then
  echo "The packages' cache $cache cannot be written, so everything is downloaded anew." >&2
  export UV_NO_CACHE=1
fi
exec "$@"

#!/bin/sh
# Makes up 100 usage records of the tokens and routes that there are: `tollgate usage generate`
# under the name that the older system's script had. Arguments are passed on (--remove, ...).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
binary=${TOLLGATE_BIN:-$top/build/tollgate}
if [ ! -x "$binary" ]; then
	echo "$0: $binary is not there; run make, or set TOLLGATE_BIN" >&2
	exit 1
fi
# `make dev` leaves the address of its database here.
if [ -z "${DATABASE_URL:-}" ] && [ -r "$top/.tollgate/dev.env" ]; then
	# shellcheck source=/dev/null
	. "$top/.tollgate/dev.env"
	export DATABASE_URL
fi
exec "$binary" usage generate "$@"

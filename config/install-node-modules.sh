#!/bin/bash
# Puts what a package.json asks for into node_modules beside it, where its lock has changed since.
# Usage: install-node-modules.sh FOLDER
set -eu
cd "$1"
exec 9>.lock
flock 9
stamp=$(sha256sum package-lock.json)
[ "$(cat node_modules/.stamp 2>/dev/null)" = "$stamp" ] && exit 0
npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error >&2
printf '%s\n' "$stamp" >node_modules/.stamp

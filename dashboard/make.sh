#!/bin/bash
# Builds the pages into the folder OUT, from anywhere: make.sh OUT. Without Node, or where
# PAGES=no, there is no such folder afterwards, and the program says so in their place.
set -eu
out=$(realpath -m "$1")
cd "$(dirname "$0")"

without()
{
	rm -rf "$out"
	echo "  The pages are not in this build: $1"
	exit 0
}

[ "${PAGES:-yes}" = no ] && without "PAGES=no"
for program in node npm; do
	command -v "$program" >/dev/null || without "no $program here (Debian: apt install nodejs npm)"
done
node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' ||
	without "Node $(node --version) is older than 18"
../config/install-node-modules.sh . || {
	echo "npm could not get what the pages are built of; \`make PAGES=no\` builds without them" >&2
	exit 1
}
exec node build.mjs "$out"

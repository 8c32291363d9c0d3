#!/bin/bash
# Runs the given cmocka binaries, some at a time since most wait, shows each one's own
# closing lines, and ends with a sum.
set -u
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT
export failed

run_one() {
	local said
	said=$("$1" 2>&1) || echo "$1" >>"$failed"
	printf -- '--- %s\n%s\n' "$(basename "$1")" \
		"$(grep -v -e '^\[ RUN' -e '^\[       OK' <<<"$said")"
}
export -f run_one

# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\0' "$@" | xargs -0 -n 1 -P 4 bash -c 'run_one "$1"' run_one

echo
if [ -s "$failed" ]; then
	echo "unit: $(wc -l <"$failed") of $# binaries FAILED: $(tr '\n' ' ' <"$failed")"
	exit 1
fi
echo "unit: $# binaries passed"

#!/bin/bash
# Runs the given cmocka binaries, some at a time since most wait, shows each one's own
# closing lines, and ends with a sum, before it what those that failed said.
set -u
failed=$(mktemp)
why=$(mktemp)
trap 'rm -f "$failed" "$why"' EXIT
export failed why

run_one() {
	local said status=0
	said=$("$1" 2>&1) || status=$?
	said=$(printf -- '--- %s\n%s' "$(basename "$1")" \
		"$(grep -v -e '^\[ RUN' -e '^\[       OK' <<<"$said")")
	printf '%s\n' "$said"
	[ "$status" = 0 ] && return
	echo "$1" >>"$failed"
	printf '%s\nexit status %s\n' "$said" "$status" >>"$why"
}
export -f run_one

# Stages of `make check` run beside each other (test/check.sh): their unit tests do not.
mkdir -p build
exec 9>build/.unit-tests
flock 9

# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\0' "$@" | xargs -0 -n 1 -P 4 bash -c 'run_one "$1"' run_one 9>&-
exec 9>&-

echo
if [ -s "$failed" ]; then
	cat "$why"
	echo "unit: $(wc -l <"$failed") of $# binaries FAILED: $(tr '\n' ' ' <"$failed")"
	exit 1
fi
echo "unit: $# binaries passed"

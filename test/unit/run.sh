#!/bin/bash
# Runs the given cmocka binaries, shows each one's own closing lines, and ends with a sum.
set -u
failed=()
for t in "$@"; do
	echo "--- $(basename "$t")"
	"$t" 2>&1 | grep -v -e '^\[ RUN' -e '^\[       OK'
	[ "${PIPESTATUS[0]}" = 0 ] || failed+=("$t")
done
echo
if [ "${#failed[@]}" -gt 0 ]; then
	echo "unit: ${#failed[@]} of $# binaries FAILED: ${failed[*]}"
	exit 1
fi
echo "unit: $# binaries passed"

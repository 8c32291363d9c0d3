#!/bin/bash
# Runs every libFuzzer target for a while, new finds into build/fuzz/corpus/NAME. A crashing input
# is left in build/fuzz/ and named; add it to test/fuzz/corpus/NAME with the fix.
# Usage: run.sh SECONDS DIR
set -eu
here=$(dirname "$0")
for src in "$here"/fuzz_*.c; do
	name=$(basename "$src" .c)
	found=build/fuzz/corpus/${name#fuzz_}
	mkdir -p "$found"
	options=(-max_total_time="$1" -artifact_prefix="build/fuzz/$name-" -timeout=5
		-max_len=70000 -print_final_stats=1)
	[ -e "$here/$name.dict" ] && options+=(-dict="$here/$name.dict")
	echo "--- $name, $1 s"
	if ! "$2/$name" "${options[@]}" "$found" "$here/corpus/${name#fuzz_}" \
		>"build/fuzz/$name.log" 2>&1; then
		tail -n 40 "build/fuzz/$name.log"
		exit 1
	fi
	grep -E 'DONE|number_of_executed_units|new_units_added' "build/fuzz/$name.log"
done

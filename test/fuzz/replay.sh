#!/bin/bash
# Replays test/fuzz/corpus/NAME/ through DIR/fuzz_NAME for each fuzz target. Usage: replay.sh DIR
set -eu
here=$(dirname "$0")
count=0
for src in "$here"/fuzz_*.c; do
	[ -e "$src" ] || continue
	name=$(basename "$src" .c)
	corpus=$here/corpus/${name#fuzz_}
	inputs=("$corpus"/*)
	if [ ! -e "${inputs[0]}" ]; then
		echo "fuzz: $name has no corpus in $corpus" >&2
		exit 1
	fi
	printf '%s: ' "$name"
	"$1/$name" "${inputs[@]}"
	count=$((count + 1))
done
echo "fuzz: corpora of $count targets replayed"

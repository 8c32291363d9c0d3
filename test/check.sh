#!/bin/bash
# The stages of `make check`, and a summary. Goes on after a failure, so that one run tells
# everything. Usage: check.sh [full]
set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL # each stage is a make of its own, with all cores
stages=(lint check-unit check-dashboard check-integration check-fuzz)
# These wait for sockets and clocks more than they compute, so they run beside each other.
beside=(check-asan check-tsan)
[ -n "${CONFORMANCE_DIR:-}" ] && beside+=(check-conformance)
after=()
[ "${1:-}" = full ] && after=(fuzz bench)
start=$SECONDS
work=$(mktemp -d)

# While lint waits for npm, and the integration tests for sockets and clocks, what the stages after
# them need is compiled, behind everything else. Its faults are shown there: each builds what is
# missing.
release='make WERROR=1 all unit-build'
others='make VARIANT=asan WERROR=1 build/asan/tollgate unit-build replay-build
	make VARIANT=tsan WERROR=1 build/tsan/tollgate unit-build'
groups=() # of processes that run in the background
finish() {
	local group
	for group in "${groups[@]}"; do
		kill -- "-$group" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT

in_background() {
	setsid nice -n 19 bash -c "$1" >/dev/null 2>&1 &
	groups=("$!")
}

wait_for_background() {
	wait "${groups[0]}"
	groups=()
}

# run STAGE: leaves its line of the summary in a file.
run() {
	local at=$SECONDS verdict=passed
	printf '\n==== %s\n' "$1"
	make "$1" WERROR=1 || verdict=FAILED
	printf '%-18s %-7s %4d s\n' "$1" "$verdict" "$((SECONDS - at))" >"$work/$1"
}

# Each has ports of its own, and shows what it said when it has ended.
run_beside() {
	local stage first=12000 width=$((18000 / ${#beside[@]})) i
	set -m # each is a group of processes, which ends with this one
	groups=()
	for stage in "${beside[@]}"; do
		TOLLGATE_TEST_PORTS="$first $width" run "$stage" </dev/null >"$work/$stage.said" 2>&1 &
		groups+=("$!")
		first=$((first + width))
	done
	set +m
	for i in "${!beside[@]}"; do
		wait "${groups[i]}"
		cat "$work/${beside[i]}.said"
	done
	groups=()
}

for stage in "${stages[@]}"; do
	case $stage in
	lint) in_background "$release" ;;
	check-integration) in_background "$others" ;;
	check-unit | check-fuzz) wait_for_background ;;
	esac
	run "$stage"
done
run_beside
for stage in "${after[@]}"; do
	run "$stage"
done

printf '\n==== summary\n'
verdict=passed
for stage in "${stages[@]}" "${beside[@]}" "${after[@]}"; do
	cat "$work/$stage"
	grep -q ' passed ' "$work/$stage" || verdict=FAILED
done
printf '%-18s %-7s %4d s\n' check "$verdict" "$((SECONDS - start))"
[ "$verdict" = passed ]

#!/bin/bash
# The stages of `make check`, one after the other, and a summary. Goes on after a failure, so
# that one run tells everything. Usage: check.sh [full]
set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL # each stage is a make of its own, with all cores
stages=(lint check-unit check-dashboard check-integration check-fuzz check-asan check-tsan)
[ -n "${CONFORMANCE_DIR:-}" ] && stages+=(check-conformance)
[ "${1:-}" = full ] && stages+=(fuzz bench)
results=()
status=0
start=$SECONDS

# While the integration tests wait for sockets and clocks, what the stages after them need is
# compiled, behind everything else. Its faults are shown there: each builds what is missing.
others='make VARIANT=asan WERROR=1 build/asan/tollgate unit-build replay-build
	make VARIANT=tsan WERROR=1 build/tsan/tollgate unit-build'
building=
trap '[ -z "$building" ] || kill -- "-$building" 2>/dev/null' EXIT

for stage in "${stages[@]}"; do
	at=$SECONDS
	printf '\n==== %s\n' "$stage"
	case $stage in
	check-integration)
		setsid nice -n 19 bash -c "$others" >/dev/null 2>&1 &
		building=$!
		;;
	check-fuzz)
		wait "$building"
		building=
		;;
	esac
	if make "$stage" WERROR=1; then
		verdict=passed
	else
		verdict=FAILED
		status=1
	fi
	results+=("$(printf '%-18s %-7s %4d s' "$stage" "$verdict" "$((SECONDS - at))")")
done

printf '\n==== summary\n'
printf '%s\n' "${results[@]}"
printf '%-18s %-7s %4d s\n' check "$([ "$status" = 0 ] && echo passed || echo FAILED)" \
	"$((SECONDS - start))"
exit "$status"

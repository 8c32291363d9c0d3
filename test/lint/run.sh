#!/bin/bash
# `make lint`: every check of this folder, then the formatter and shellcheck. All faults are shown.
set -u
cd "$(dirname "$0")/../.." || exit 1
python=${PYTHON:-/usr/bin/python3}
failed=()

run()
{
	local name=$1

	shift
	"$@" || failed+=("$name")
}

tracked()
{
	git -c safe.directory='*' ls-files -co --exclude-standard -- "$@"
}

# Each script here checks one thing and takes no arguments: size and wording of the sources,
# the direction of includes, the docs against the tables in the code.
for script in test/lint/*.py test/lint/*.sh test/check_*.sh test/check_*.py; do
	[ -e "$script" ] || continue
	case $script in
	*/run.sh | */analyze.sh | */sources.py) continue ;;
	*.py) run "$script" "$python" "$script" ;;
	*.sh) run "$script" bash "$script" ;;
	esac
done

mapfile -t c_files < <(tracked '*.c' '*.h')
if command -v clang-format >/dev/null; then
	run clang-format clang-format --dry-run --Werror --ferror-limit=1 "${c_files[@]}"
else
	echo "lint: clang-format is not installed; formatting was not checked"
fi

if command -v node >/dev/null && command -v npm >/dev/null; then
	config/install-node-modules.sh dashboard
	run dashboard node test/lint/dashboard.mjs
else
	echo "lint: Node is not installed; the pages' sources were not checked"
fi

mapfile -t shell_files < <(tracked '*.sh' .ci/run)
if command -v shellcheck >/dev/null; then
	run shellcheck shellcheck "${shell_files[@]}"
else
	echo "lint: shellcheck is not installed; scripts were not checked"
fi

if [ "${#failed[@]}" -gt 0 ]; then
	echo "lint: FAILED: ${failed[*]}"
	exit 1
fi
echo "lint: passed (${#c_files[@]} C files, ${#shell_files[@]} shell scripts)"

#!/bin/bash
# `make analyze`: cppcheck and clang-tidy over the program. Usage: analyze.sh CPPFLAGS...
set -eu
cd "$(dirname "$0")/../.."
mapfile -t files < <(git -c safe.directory='*' ls-files 'common/*.c' 'gateway/*.c')
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	-D_GNU_SOURCE -I. "${files[@]}"
clang-tidy --quiet --warnings-as-errors='*' "${files[@]}" -- -std=c11 "$@"
echo "analyze: passed (${#files[@]} files)"

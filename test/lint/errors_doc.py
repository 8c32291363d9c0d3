"""The table of problems in gateway/http/problem.h: docs/errors.md has the same codes and facts, and
each is raised somewhere."""
import re

from sources import Report, code_only, files, read

HEADER = "gateway/http/problem.h"
SOURCE = "gateway/http/problem.c"
DOC = "docs/errors.md"
ENTRY = re.compile(r'\bX\(\s*([A-Z_]+),\s*"(\w+)",\s*(\d{3}),\s*"(\w+)",')
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| `(\w+)` \| (.+?) \| (.+?) \|$")


def declared():
    text = read(HEADER).replace("\\\n", "\n")
    entries = ENTRY.findall(text)
    return {code: (status, error) for _, code, status, error in entries}, {e[0]: e[1] for e in entries}


def raised():
    """The names that some function passes on, or that problem.c finds for a status."""
    names = set()
    for path in files("gateway/*.c"):
        code = code_only(read(path))
        pattern = r"return PROBLEM_([A-Z_]+);" if path == SOURCE else r"\bPROBLEM_([A-Z_]+)\b"
        names.update(re.findall(pattern, code))
    return names


def main():
    report = Report("errors_doc")
    (problems, names), seen = declared(), set()
    if not problems:
        report.add(HEADER, 1, "no table of problems found")
    for number, line in enumerate(read(DOC).split("\n"), 1):
        row = ROW.match(line)
        if not row:
            continue
        code, status, error = row.group(1, 2, 3)
        if code in seen:
            report.add(DOC, number, f"{code} is listed twice")
        seen.add(code)
        if code not in problems:
            report.add(DOC, number, f"{code} is not in {HEADER}")
        elif problems[code] != (status, error):
            report.add(DOC, number, f"{code} is {' '.join(problems[code])} in {HEADER}")
    for code in problems:
        if code not in seen:
            report.add(DOC, 1, f"{code} is missing")
    for name in sorted(set(names) - raised()):
        report.add(HEADER, 1, f"nothing raises {names[name]}")
    report.finish(f"{len(problems)} codes")


main()

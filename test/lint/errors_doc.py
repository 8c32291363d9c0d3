"""docs/errors.md against the table of problems in gateway/http/problem.h: same codes, same facts."""
import re

from sources import Report, read

HEADER = "gateway/http/problem.h"
DOC = "docs/errors.md"
ENTRY = re.compile(r'\bX\(\s*[A-Z_]+,\s*"(\w+)",\s*(\d{3}),\s*"(\w+)",')
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| `(\w+)` \| (.+?) \| (.+?) \|$")


def declared():
    text = read(HEADER).replace("\\\n", "\n")
    return {code: (status, error) for code, status, error in ENTRY.findall(text)}


def main():
    report = Report("errors_doc")
    problems, seen = declared(), set()
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
    report.finish(f"{len(problems)} codes")


main()

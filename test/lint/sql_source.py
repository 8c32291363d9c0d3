"""SQL: sizes of files and functions, width of lines, each function defined once."""
import re

from sources import Report, files, read

FUNCTION_MAX = 60
FILE_MAX = 600
LINE_MAX = 90
TAB = 4

FUNCTION = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION ([\w.]+)\(", re.M)
BLOCK = re.compile(r"^DO (\$\w*\$)$", re.M)


def bodies(text):
    """(first line, lines, name) of each function and block."""
    for m in FUNCTION.finditer(text):
        quote = re.compile(r"\$\w*\$").search(text, m.end()).group()
        opened = text.index(quote, m.end())
        closed = text.index(quote, opened + len(quote))
        yield text.count("\n", 0, m.start()) + 1, text.count("\n", m.start(), closed) + 1, m.group(1)
    for m in BLOCK.finditer(text):
        closed = text.index(m.group(1), m.end())
        yield text.count("\n", 0, m.start()) + 1, text.count("\n", m.start(), closed) + 1, "a block"


def is_one_literal(line):
    return re.fullmatch(r"\s*'(?:[^']|'')*'[,;)]*", line) is not None


def main():
    report = Report("sql_source")
    paths = files("*.sql")
    defined = {}
    for path in paths:
        text = read(path)
        lines = text.split("\n")
        if len(lines) - 1 > FILE_MAX:
            report.add(path, 1, f"{len(lines) - 1} lines; {FILE_MAX} at most")
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(TAB)) > LINE_MAX and not is_one_literal(line):
                report.add(path, number, f"{len(line.expandtabs(TAB))} columns (a tab is {TAB}); "
                           f"{LINE_MAX} at most")
        for number, size, name in bodies(text):
            if size > FUNCTION_MAX:
                report.add(path, number, f"{name} has {size} lines; {FUNCTION_MAX} at most")
            if name in defined:
                report.add(path, number, f"{name} is defined in {defined[name]} as well")
            if name != "a block":
                defined[name] = path
    report.finish(f"{len(paths)} files")


main()

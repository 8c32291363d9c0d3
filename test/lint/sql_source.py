"""SQL: sizes of files and functions, each function defined once."""
import re

from sources import Report, files, read

FUNCTION_MAX = 60
FILE_MAX = 600

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


def main():
    report = Report("sql_source")
    paths = files("*.sql")
    defined = {}
    for path in paths:
        text = read(path)
        lines = text.count("\n")
        if lines > FILE_MAX:
            report.add(path, 1, f"{lines} lines; {FILE_MAX} at most")
        for number, size, name in bodies(text):
            if size > FUNCTION_MAX:
                report.add(path, number, f"{name} has {size} lines; {FUNCTION_MAX} at most")
            if name in defined:
                report.add(path, number, f"{name} is defined in {defined[name]} as well")
            if name != "a block":
                defined[name] = path
    report.finish(f"{len(paths)} files")


main()

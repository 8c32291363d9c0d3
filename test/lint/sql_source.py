"""SQL: sizes of files, functions and statements; each function is defined once, and so is each part of a statement
(gateway/statistics/statement.h), of which each is of use."""
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

PART = re.compile(r"^-- name: (.*)$", re.M)
# A part is of use where another holds it or C names it; questions go by their names of the command line.
USE = r"\{%s\}"
NAMED = r'"%s"'


def parts(text):
    """(first line, name, text) of each part of statements."""
    for m in PART.finditer(text):
        end = text.find("\n--", m.end())
        yield text.count("\n", 0, m.start()) + 1, m.group(1), text[m.end():end if end >= 0 else len(text)].strip()


def check_parts(report, paths):
    found = [(path, *part) for path in paths for part in parts(read(path))]
    names = [name for _, _, name, _ in found]
    c = "".join(read(path) for path in files("gateway/statistics/*.[ch]"))
    for path, number, name, text in found:
        size = text.count("\n") + 1
        if size > FUNCTION_MAX:
            report.add(path, number, f"{name} has {size} lines; {FUNCTION_MAX} at most")
        if names.count(name) > 1:
            report.add(path, number, f"{name} stands there twice")
        if not re.search(NAMED % name, c) and not any(re.search(USE % name, other) for *_, other in found):
            report.add(path, number, f"{name} is of no use")


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
    check_parts(report, paths)
    report.finish(f"{len(paths)} files")


main()

"""All text files: no trailing white space, no CRLF, a newline at the end; the width of C and SQL; Dockerfile
basics."""
import re

from sources import Report, files, read

BINARY = re.compile(r"\.(png|ico|woff2?|gz|bin|der)$|^test/fuzz/corpus/")
DOCKER_INSTALL = re.compile(r"apt-get install(?!.*--no-install-recommends)")

WIDTH_MAX = 90
TAB = {".sql": 4}
# A line that is one literal may be longer: little stands beside it (a name, a bracket, a separator).
BESIDE_LITERAL_MAX = 16
LITERAL = re.compile(r'"(?:\\.|[^"\\])*"' + r"|'(?:''|[^'])*'")


def is_one_literal(line):
    literals = LITERAL.findall(line)
    return len(literals) == 1 and len("".join(LITERAL.sub("", line).split())) <= BESIDE_LITERAL_MAX


def check_width(report, path):
    for number, line in enumerate(read(path).split("\n"), 1):
        width = len(line.expandtabs(TAB.get(path[path.rindex("."):], 8)))
        if width > WIDTH_MAX and not is_one_literal(line):
            report.add(path, number, f"{width} columns; {WIDTH_MAX} at most")


def check_text(report, path):
    text = read(path)
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith("\r"):
            report.add(path, number, "CRLF line end")
        elif line != line.rstrip():
            report.add(path, number, "trailing white space")
    if text and not text.endswith("\n"):
        report.add(path, text.count("\n") + 1, "no newline at the end")


def check_dockerfile(report, path):
    text = read(path).replace("\\\n", " ")
    stages = re.findall(r"^FROM\s+(\S+)", text, re.M)
    for image in stages:
        if ":" not in image or image.endswith(":latest"):
            report.add(path, 1, f"FROM {image}: name a version")
    last = text[text.rindex("FROM "):] if stages else text
    user = re.findall(r"^USER\s+(\S+)", last, re.M)
    if not user or user[-1] in ("root", "0"):
        report.add(path, 1, "the last stage runs as root")
    for keyword in ("ENTRYPOINT", "CMD"):
        for value in re.findall(rf"^{keyword}\s+(.)", text, re.M):
            if value != "[":
                report.add(path, 1, f"{keyword}: use the exec form, so that signals arrive")
    if DOCKER_INSTALL.search(text):
        report.add(path, 1, "apt-get install without --no-install-recommends")
    if text.count("apt-get install") != text.count("rm -rf /var/lib/apt/lists"):
        report.add(path, 1, "apt lists stay in a layer")
    if re.search(r"^ADD\s", text, re.M):
        report.add(path, 1, "ADD: use COPY")


def main():
    report = Report("text")
    paths = [p for p in files() if not BINARY.search(p)]
    for path in paths:
        check_text(report, path)
        if path.endswith((".c", ".h", ".sql")):
            check_width(report, path)
        if re.search(r"(^|/)Dockerfile", path):
            check_dockerfile(report, path)
    report.finish(f"{len(paths)} files")


main()

"""C sources: sizes, banned functions, layers of includes, no extern variables, no left-over marks."""
import collections
import re

from sources import Report, code_only, files, read

FUNCTION_MAX = 80
FILE_MAX = 600
ROOM_MAX = 16  # percent of gateway/'s lines

# Unbounded, ambiguous on error, not re-entrant, or a shell in disguise.
BANNED = """strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
scanf sscanf fscanf alloca system popen tmpnam mktemp localtime gmtime ctime asctime
rand srand random getwd bcopy bcmp bzero""".split()
BANNED_CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))

# What a folder of gateway/ may include besides common/ and itself.
MAY_INCLUDE = {
    "journal": [],
    "settings": ["journal"],
    "db": [],
    "token": ["settings"],
    "people": ["token"],
    "recorder": ["journal", "db"],
    "watch": ["journal"],
    "statistics": ["journal"],
    "generate": ["journal", "recorder", "statistics"],
    "http": ["settings"],
    "upstream": ["settings", "http"],
    "proxy": ["settings", "http", "token", "journal", "upstream"],
    "sign_in": [],
    "pages": ["settings", "http"],
    "manager": ["settings", "http", "token", "journal", "sign_in", "pages"],
    "api": ["settings", "http", "token", "journal", "statistics", "people", "sign_in", "proxy", "manager"],
    "run": ["settings", "http", "token", "journal", "recorder", "proxy", "manager", "api"],
    "dev": ["settings", "db", "http", "token", "people", "run"],
    "doctor": ["settings", "db", "http", "journal"],
    "cli": ["settings", "db", "http", "token", "journal", "watch", "recorder", "statistics", "generate",
            "run", "dev", "people", "api", "doctor"],
}

# Plain structs in, verdicts out: unit tests need neither an event loop nor a database.
PURE = """common/str common/http common/net common/jsonc common/crc32 common/check common/clock
gateway/http/request_head gateway/http/response_head gateway/http/response_reader gateway/http/chunk
gateway/http/problem gateway/http/client_addr gateway/proxy/route gateway/proxy/credentials
gateway/proxy/forward_request gateway/proxy/forward_response gateway/proxy/header_edits
gateway/proxy/cors gateway/token/key gateway/token/token_table gateway/token/token_shard gateway/journal/event
gateway/journal/lane gateway/http/accepted gateway/pages/page_choice""".split()

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
FUNCTION_HEAD = re.compile(r"^[A-Za-z_][^;{}=]*\)\s*$")
EXTERN = re.compile(r"^extern\s+[^(]*;", re.M)
TYPEDEF_STRUCT = re.compile(r"^typedef\s+(struct|union|enum)\b", re.M)
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_sizes(report, path, text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_MAX:
        report.add(path, 1, f"{len(lines) - 1} lines; {FILE_MAX} at most")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_MAX:
                report.add(path, start, f"function of {number - start - 1} lines; "
                           f"{FUNCTION_MAX} at most")
            start = None


def check_includes(report, path, text):
    folder = path.split("/")[1] if path.startswith("gateway/") and path.count("/") > 1 else None
    pure = path.rsplit(".", 1)[0] in PURE
    for m in INCLUDE.finditer(text):
        name, line = m.group(2), line_of(text, m.start())
        if path.startswith("common/") and name.startswith("gateway/"):
            report.add(path, line, f"common/ includes {name}")
        if pure and re.match(r"event2?/|libpq|libpq-fe|evhttp", name):
            report.add(path, line, f"a pure module includes {name}")
        if folder and name.startswith("gateway/"):
            other = name.split("/")[1]
            if other != folder and other not in MAY_INCLUDE.get(folder, []):
                report.add(path, line, f"gateway/{folder} includes {name}")


def check_product(report, path, raw, code):
    check_sizes(report, path, raw)
    check_includes(report, path, raw)
    for m in BANNED_CALL.finditer(code):
        report.add(path, line_of(code, m.start()), f"{m.group(1)}() is banned")
    for m in EXTERN.finditer(code):
        report.add(path, line_of(code, m.start()), "extern variable")
    for m in TYPEDEF_STRUCT.finditer(code):
        report.add(path, line_of(code, m.start()), "typedef of a struct")
    if not raw.startswith("/*"):
        report.add(path, 1, "the first line does not say what the file is for")


def check_rooms(report, lines):
    """A folder that has grown too large holds more than one job."""
    whole = sum(lines.values())
    for folder, n in lines.items():
        if n * 100 > ROOM_MAX * whole:
            report.add(folder, 1, f"{n * 100 / whole:.1f} % of gateway/; {ROOM_MAX} % at most")


def main():
    report = Report("c_source")
    paths = files("*.c", "*.h")
    lines = collections.Counter()
    for path in paths:
        raw = read(path)
        code = code_only(raw)
        if path.startswith("gateway/"):
            lines[path.rsplit("/", 1)[0]] += raw.count("\n")
        for m in MARKS.finditer(raw):
            report.add(path, line_of(raw, m.start()), f"left-over mark {m.group()}")
        if not path.startswith("test/"):
            check_product(report, path, raw, code)
    check_rooms(report, lines)
    report.finish(f"{len(paths)} files")


main()

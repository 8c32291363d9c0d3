"""`tollgate dev`: from nothing to a row in PostgreSQL, and everything that may go wrong between."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import psycopg2
import pytest

from tg.gateway import BINARY, REPORT, ROOT, SANITIZED, environment
from tg.ports import free_port
from tg.postgres import memory
from tg.wait import Output, eventually

STOP_S = 5 if not SANITIZED else 20


def children_of(pid):
    """All processes below pid."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += [int(p) for p in f.read().split()]
        except FileNotFoundError:
            pass
    return found + [p for child in found for p in children_of(child)]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Dev:
    def __init__(self, folder, state, config):
        self.folder, self.state, self.config = folder, state, config
        self.log_file = os.path.join(folder, "dev.log")
        self.process, self.env, self.below = None, {}, []

    def spawn(self, *arguments, env=None, listen=True):
        command = [BINARY, "dev", "--config", self.config, "--state", self.state, *arguments]
        if listen:
            command += ["--listen", "127.0.0.1:0", "--manager-listen", "127.0.0.1:0"]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=environment(**(env or {})), start_new_session=True)
        return self

    def start(self, *arguments, **how):
        self.spawn(*arguments, **how)
        eventually(self.has_env, "dev.env is there", 60)
        eventually(lambda: "LIMIT 5'" in self.log(), "the end of what it tells")
        self.env = dict(line.split("=", 1) for line in self.read("dev.env").splitlines())
        self.below = children_of(self.process.pid)
        return self

    def has_env(self):
        """A file of this very run: a killed one leaves its own for a moment."""
        assert self.process.poll() is None, self.log()
        try:
            return f"TOLLGATE_PID={self.process.pid}\n" in self.read("dev.env")
        except FileNotFoundError:
            return False

    def read(self, name):
        with open(os.path.join(self.state, name), encoding="utf-8") as f:
            return f.read()

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern):
        return eventually(lambda: re.search(pattern, self.log()), pattern)

    @property
    def url(self):
        return self.env["TOLLGATE_URL"]

    @property
    def key(self):
        return self.env["TOLLGATE_KEY"]

    def get(self, path, url=None, data=None):
        request = urllib.request.Request((url or self.url) + path, data,
                                         {"X-API-Key": self.env.get("TOLLGATE_KEY", "none")})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def query(self, statement):
        connection = psycopg2.connect(self.env["DATABASE_URL"])
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def rows(self):
        return self.query("SELECT route_path, response_status FROM token_usage_logs ORDER BY id")

    def curl_lines(self):
        return [line for line in self.log().splitlines() if line.startswith("curl ")]

    def stop(self, how=signal.SIGINT):
        """Ends it as Ctrl-C does, in time, without a process left."""
        below = set(self.below) | set(children_of(self.process.pid))
        started = time.monotonic()
        self.process.send_signal(how)
        assert self.process.wait(30) == 0, self.log()
        assert time.monotonic() - started < STOP_S
        assert not [p for p in below if is_running(p)]
        assert not os.path.exists(os.path.join(self.state, "dev.env"))
        assert not REPORT.search(self.log()), self.log()

    def kill(self):
        """As kill -9; waits until the kernel has ended what was below."""
        below = set(self.below) | set(children_of(self.process.pid))
        self.process.kill()
        self.process.wait()
        eventually(lambda: not [p for p in below if is_running(p)], "children end by themselves")

    def wipe(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        link = os.path.join(self.state, "pg")
        if os.path.islink(link):
            shutil.rmtree(os.readlink(link), ignore_errors=True)


@pytest.fixture(scope="session")
def open_folder():
    """A folder that every user may enter, unlike pytest's; in memory, as other clusters of tests."""
    folder = tempfile.mkdtemp(prefix="tollgate-test-", dir=memory() or "/tmp")
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def used_state(open_folder):
    """A state folder of an earlier run: copies of it spare an initdb each."""
    folder = os.path.join(open_folder, "first")
    os.mkdir(folder)
    dev = Dev(folder, os.path.join(folder, "state"), copy_config(folder)).start()
    dev.stop()
    return dev.state


@pytest.fixture(scope="module")
def running(open_folder, used_state):
    """One that runs, for tests that only look."""
    folder = tempfile.mkdtemp(dir=open_folder)
    os.chmod(folder, 0o755)
    state = os.path.join(folder, "state")
    subprocess.run(["cp", "-a", used_state, state], check=True, timeout=60)
    dev = Dev(folder, state, copy_config(folder)).start(env={
        "OPENAI_API_KEY": "sk-real", "PGHOST": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody",
        "DATABASE_URL": "postgresql://nobody:secret@192.0.2.1/production"})
    yield dev
    dev.stop()


def copy_config(folder):
    return shutil.copy(os.path.join(ROOT, "config", "tollgate.json"), folder)


@pytest.fixture
def devs(open_folder, used_state):
    """devs(state=None): a `tollgate dev` to start, with a copy of the shipped configuration, and
    of a used state folder unless another is named."""
    made = []

    def make(state=None):
        folder = tempfile.mkdtemp(dir=open_folder)
        os.chmod(folder, 0o755)
        if state is None:
            state = os.path.join(folder, "state")
            subprocess.run(["cp", "-a", used_state, state], check=True, timeout=60)
        made.append(Dev(folder, str(state), copy_config(folder)))
        return made[-1]

    yield make
    for dev in made:
        dev.wipe()
        shutil.rmtree(dev.folder, ignore_errors=True)


@pytest.fixture
def dev(devs):
    return devs()


@pytest.fixture
def new_dev(devs, open_folder):
    """One without a state folder so far."""
    folder = tempfile.mkdtemp(dir=open_folder)
    os.chmod(folder, 0o755)
    return devs(os.path.join(folder, "state"))


def edit(dev, old, new):
    """Replaces the configuration as an editor does."""
    with open(dev.config, encoding="utf-8") as f:
        text = f.read()
    assert old in text
    with open(dev.config + ".new", "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    os.rename(dev.config + ".new", dev.config)


def run_line(dev, start):
    """Runs the printed line that starts so."""
    line = next(line for line in dev.log().splitlines() if line.startswith(start))
    return subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30,
                          check=False, env=environment(), cwd=dev.folder)


@pytest.mark.sanitizer
def test_the_printed_calls_work_and_leave_rows(new_dev):
    new_dev.start()
    calls = new_dev.curl_lines()
    assert len(calls) == 4
    assert all(new_dev.key in line for line in calls[:3])
    answers = [subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30,
                              check=False, env=environment()) for line in calls[:3]]
    assert [a.returncode for a in answers] == [0, 0, 0], answers
    assert json.loads(answers[0].stdout)["method"] == "GET"
    assert json.loads(answers[1].stdout)["object"] == "chat.completion"
    assert answers[2].stdout.count("data: ") == 5
    eventually(lambda: len(new_dev.rows()) >= 3, "a row of each call")
    assert sorted(new_dev.rows()) == [("/api/openai", 200), ("/api/test", 200), ("/api/test", 200)]
    rows = subprocess.run(calls[3], shell=True, capture_output=True, text=True, timeout=30,
                          check=False, env=environment())
    assert "/api/openai" in rows.stdout
    assert "/api/openai" in run_line(new_dev, "psql ").stdout
    new_dev.wait_log(r"(?m)^\S+ 200 POST .* /api/openai/chat/completions")
    new_dev.stop()


def test_files_are_private(running):
    dev = running
    for name in ("dev.env", "demo.key", "admin.key", "pg.password", "postgres.log", "lock"):
        mode = os.stat(os.path.join(dev.state, name)).st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    assert stat.S_IMODE(os.stat(os.path.join(dev.state, "pg")).st_mode) == 0o700
    shell = subprocess.run(["sh", "-c", ". ./dev.env; printf %s \"$TOLLGATE_KEY $TOLLGATE_URL\""],
                           cwd=dev.state, capture_output=True, text=True, check=True, timeout=20)
    assert shell.stdout == f"{dev.key} {dev.url}"
    assert dev.key not in dev.query("SELECT tokens::text FROM tokens")[0][0]


ADMIN_KEYS = """SELECT k.revoked_at IS NULL, key_hash FROM tollgate_user_keys AS k JOIN tollgate_users AS u
    ON u.id = user_id WHERE u.name = 'dev' AND is_admin AND disabled_at IS NULL ORDER BY k.id"""


def test_the_first_admin(dev):
    dev.start()
    first = dev.env["TOLLGATE_ADMIN_KEY"]
    assert re.fullmatch(r"tgu_\w+", first) and dev.read("admin.key").strip() == first
    assert dev.query(ADMIN_KEYS) == [(True, hashlib.sha256(first.encode()).hexdigest())]
    dev.stop()
    # A key that is lost ends; whoever is called dev is the admin again.
    os.remove(os.path.join(dev.state, "admin.key"))
    dev.start()
    second = dev.env["TOLLGATE_ADMIN_KEY"]
    assert second != first
    assert dev.query(ADMIN_KEYS) == [(False, hashlib.sha256(first.encode()).hexdigest()),
                                     (True, hashlib.sha256(second.encode()).hexdigest())]
    dev.stop()


def test_a_browser_is_signed_in_by_a_link(dev):
    dev.start()
    host, code = re.search(r"^pages    http://(localhost:\d+)/sign-in#(\S+)$", dev.log(), re.M).groups()
    assert host.partition(":")[2] == dev.env["TOLLGATE_MANAGER_URL"].rpartition(":")[2]
    assert "within 5 minutes; another: tollgate user link dev" in dev.log() and code not in dev.read("dev.env")
    assert dev.get("/sign-in", f"http://{host}")[0] == 200
    answers = [sign_in(host, code) for _ in range(2)]
    assert [status for status, _ in answers] == [201, 401], answers
    assert answers[0][1]["user"]["name"] == "dev" and answers[0][1]["user"]["is_admin"]
    dev.stop()


def sign_in(host, code):
    request = urllib.request.Request(f"http://{host}/api/session", json.dumps({"code": code}).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def in_folder(folder, *arguments, **env):
    return subprocess.run([BINARY, *arguments], cwd=folder, env=environment(**env), capture_output=True, text=True,
                          check=False, timeout=60)


def test_commands_in_its_folder_need_no_database(running, tmp_path):
    os.symlink(running.state, tmp_path / ".tollgate")
    listed = in_folder(tmp_path, "token", "list", "--json")
    assert [token["name"] for token in json.loads(listed.stdout)] == ["demo"], listed.stderr
    assert "dev" in in_folder(tmp_path, "user", "list").stdout
    # What is named goes first.
    for arguments, env in (([], {"DATABASE_URL": "host=127.0.0.1 port=1 dbname=x"}),
                           (["--database", "host=127.0.0.1 port=1 dbname=x"], {})):
        done = in_folder(tmp_path, "token", "list", *arguments, **env)
        assert done.returncode == 1 and "refused" in done.stderr


def test_commands_in_its_folder_need_no_configuration(running, tmp_path):
    """They listen, lead and write where the one that runs does, and not where the file says."""
    os.symlink(running.state, tmp_path / ".tollgate")
    routes = {r["name"]: r for r in json.loads(in_folder(tmp_path, "routes", "--json").stdout)}
    demo, mock = running.env["TOLLGATE_DEMO_URL"], running.env["TOLLGATE_MOCK_URL"]
    assert routes["test"]["replaced"] and routes["openai"]["replaced"]
    assert (routes["test"]["upstreams"], routes["openai"]["upstreams"]) == ([demo], [mock])
    assert f"{mock} in place of https://api.openai.com/v1 " in in_folder(tmp_path, "routes").stdout
    said = in_folder(tmp_path, "doctor", "--json")
    found = {}
    for line in json.loads(said.stdout)["checks"]:
        found.setdefault(line["check"], []).append((line["result"], line["text"]))
    assert said.returncode == 0, found
    assert found["configuration"] == [("ok", "that of the running `tollgate dev`, 4 routes")]
    assert [f"{url.split('/')[-1]}: a gateway answers there" for url in (running.url, running.env["TOLLGATE_MANAGER_URL"])] \
        == [text for _, text in found["port"]]
    assert found["upstream"] == [("ok", f"{name}: {url.split('/')[-1]} answers") for name, url in (("openai", mock), ("test", demo))]
    assert ".tollgate/usage" in found["disk"][0][1]
    explained = json.loads(in_folder(tmp_path, "explain", "/api/openai/models", "--json").stdout)
    assert explained["upstreams"][0]["url"] == mock, explained


def test_tail_and_explain_in_its_folder(running, tmp_path):
    os.symlink(running.state, tmp_path / ".tollgate")
    with subprocess.Popen([BINARY, "tail"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as tail:
        try:
            output = Output(tail.stdout.fileno())

            def seen():
                assert tail.poll() is None, tail.stderr.read()
                assert running.get("/api/test/tailed")[0] == 200
                return output.lines()
            row = json.loads(eventually(seen, "a call is printed")[0])
        finally:
            tail.send_signal(signal.SIGINT)
        assert (tail.wait(20), tail.stderr.read()) == (0, b"")
    assert (row["route_path"], row["token_name"], row["node"]) == ("/api/test", "demo", "dev")
    explained = in_folder(tmp_path, "explain", row["request_id"], "--json")
    assert json.loads(explained.stdout)["request_id"] == row["request_id"], explained.stderr


@pytest.mark.parametrize("line", ["TOLLGATE_PID=1\n", "TOLLGATE_PID=4194304\n", "TOLLGATE_PID=-1\n", ""])
def test_a_dev_env_that_is_nobodys_is_left_alone(tmp_path, line):
    """Another user's, or one of a run that is gone."""
    (tmp_path / ".tollgate").mkdir()
    file = tmp_path / ".tollgate" / "dev.env"
    file.write_text("DATABASE_URL='host=127.0.0.1 port=1 dbname=x'\n" + line)
    if line == "TOLLGATE_PID=1\n":
        assert "refused" in in_folder(tmp_path, "token", "list").stderr
        if os.getuid() != 0:
            return
        os.chown(file, 65534, 65534)
    done = in_folder(tmp_path, "token", "list")
    assert done.returncode == 1 and "which database?" in done.stderr


def test_listens_on_loopback_only(running):
    dev = running
    pids = {str(p) for p in [dev.process.pid, *dev.below]}
    listed = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("no ss here")
    ours = [line for line in listed.stdout.splitlines()
            if pids & set(re.findall(r"pid=(\d+)", line))]
    assert len(ours) >= 5  # gateway, manager, demo, mock, PostgreSQL
    for line in ours:
        assert re.match(r"(127\.0\.0\.1|\[::1\]):", line.split()[3]), line


def test_kill_9_and_again(dev):
    dev.start()
    assert dev.get("/api/test/x")[0] == 200
    eventually(lambda: len(dev.rows()) == 1, "the row")
    key, admin_key = dev.key, dev.env["TOLLGATE_ADMIN_KEY"]
    demo = json.loads(dev.get("/api/test/x")[1])["headers"]["host"].split(":")
    dev.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((demo[0], int(demo[1])), timeout=5)
    dev.start()
    assert (dev.key, dev.env["TOLLGATE_ADMIN_KEY"]) == (key, admin_key)
    eventually(lambda: len(dev.rows()) == 2, "the rows are kept, also that of the last call")
    assert dev.get("/api/test/x")[0] == 200
    eventually(lambda: len(dev.rows()) == 3, "the old rows and the new one")
    dev.stop(signal.SIGTERM)


def test_a_server_left_behind_is_stopped(dev):
    dev.start()
    data = os.path.join(os.path.realpath(os.path.join(dev.state, "pg")), "data")
    dev.kill()
    owner = os.stat(data)
    program = sorted(p for p in os.listdir("/usr/lib/postgresql") if p.isdigit())[-1]
    with open("/dev/null", "wb") as null:
        left = subprocess.Popen(
            [f"/usr/lib/postgresql/{program}/bin/postgres", "-D", data, "-p", str(free_port()),
             "-c", "unix_socket_directories="], cwd="/", stdout=null, stderr=null, stdin=null,
            **({"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
               if os.getuid() == 0 else {}))
    eventually(lambda: os.path.exists(os.path.join(data, "postmaster.pid")), "it runs")
    dev.start()
    assert "an earlier run left behind" in dev.log()
    assert left.wait(20) == 0
    dev.stop()
    # The number in a left-over file may belong to another process by now: this one.
    with open(os.path.join(data, "postmaster.pid"), "w", encoding="ascii") as f:
        f.write(f"{os.getpid()}\n{data}\n0\n5432\n\n127.0.0.1\n\nready\n")
    dev.start()
    dev.stop()


def test_postgresql_is_started_again(dev):
    dev.start()
    pid = int(dev.query("SELECT pg_read_file('postmaster.pid')")[0][0].split()[0])
    os.kill(pid, signal.SIGKILL)
    dev.wait_log("PostgreSQL ended by itself")
    assert dev.get("/api/test/x")[0] == 200

    def has_row():
        try:
            return len(dev.rows()) == 1
        except psycopg2.OperationalError:
            return False
    eventually(has_row, "the row, once PostgreSQL is back")
    dev.stop()


def test_fresh_starts_over(dev):
    dev.start()
    key = dev.key
    dev.query("SELECT 1")
    assert dev.get("/api/test/x")[0] == 200
    eventually(lambda: len(dev.rows()) == 1, "the row")
    dev.stop()
    other = os.path.join(dev.state, "mine.txt")
    with open(other, "w", encoding="ascii") as f:
        f.write("not theirs")
    dev.start("--fresh")
    assert dev.key != key
    assert dev.rows() == []
    assert os.path.exists(other)
    dev.stop()


@pytest.mark.parametrize("outside", [False, True])
def test_a_database_before_the_first_release_is_moved_aside(dev, new_dev, outside):
    dev = new_dev if outside else dev
    dev.start()
    dev.query("CREATE TABLE tollgate_migrations (name text); COMMIT; SELECT 1")
    dev.stop()
    dev.start()
    old = re.search(r"it is kept in (\S+/pg\.old-\d{4}-\d\d-\d\d-\d{6}), and a new one is made",
                    dev.log()).group(1)
    assert os.path.exists(os.path.join(old, "data", "PG_VERSION"))
    assert dev.get("/api/test/x")[0] == 200
    assert dev.query("SELECT to_regclass('tollgate_migrations') IS NULL AS gone") == [(True,)]
    dev.stop()


def test_a_folder_that_it_did_not_make_is_left_alone(new_dev):
    os.makedirs(os.path.join(new_dev.state, "pg", "data"))
    with open(os.path.join(new_dev.state, "pg", "data", "precious"), "w", encoding="ascii") as f:
        f.write("x")
    new_dev.spawn("--fresh")
    assert new_dev.process.wait(30) == 1
    assert os.path.exists(os.path.join(new_dev.state, "pg", "data", "precious"))


def test_configuration_changes(dev):
    dev.start()
    edit(dev, '"/api/test"', '"/api/test')
    dev.wait_log("has errors: the settings before stay in force")
    assert re.search(r"tollgate\.json:\d+:\d+: error: ", dev.log())
    assert dev.get("/api/test/x")[0] == 200
    edit(dev, '"/api/test', '"/api/renamed"')
    eventually(lambda: dev.get("/api/renamed/x")[0] == 200, "the new path is served")
    assert dev.get("/api/test/x")[0] == 404
    edit(dev, '"workers": "auto"', '"workers": 3')
    dev.wait_log("change of workers takes a restart")
    told = dev.wait_log(r"Routes, as they lead now:\n(?:  /\S+ +-> .*\n)*  /api/renamed +-> the demo upstream\n")
    assert "/api/openai          -> the mock of https://api.openai.com/v1, since its secret is unset" in told[0]
    dev.stop()


def test_secrets_follow_env_files(dev):
    dev.start()
    assert "without a secret, calls go to the mock: openai" in dev.log()
    own = '{ "name": "own", "path": "/api/own", "upstream": "DEMO", "set_headers": ' \
          '{ "X-Secret": "${OWN_SECRET}" } },\n    {\n      "name": "openai",'
    # The demo itself stands for a service of one's own here: it shows what it gets.
    demo = json.loads(dev.get("/api/test/x")[1])["headers"]["host"]
    edit(dev, '{\n      "name": "openai",', own.replace("DEMO", f"http://{demo}"))
    dev.wait_log("calls go to the mock: own")
    eventually(lambda: json.loads(dev.get("/api/own/x")[1]).get("mock") is True, "the route is served")
    for name, value in ((".env", "first"), (".dev.vars", "second"), (".dev.vars", "third")):
        with open(os.path.join(dev.folder, name), "w", encoding="ascii") as f:
            f.write(f"OWN_SECRET={value}\n")
        eventually(lambda: json.loads(dev.get("/api/own/x")[1]).get("headers", {}).get(
            "x-secret") == value, f"the secret of {name} is in use")
    assert "third" not in dev.log()
    dev.stop()


def test_a_secret_alone_calls_no_real_upstream(running):
    body = json.dumps({"model": "x", "messages": []}).encode()
    answer = running.get("/api/openai/chat/completions", data=body)[1]
    assert json.loads(answer)["id"] == "chatcmpl-mock"
    assert re.search(r"/api/openai +-> the mock of https://api\.openai\.com/v1, --live calls it\n", running.log())
    assert "sk-real" not in running.log()


def test_the_mock_takes_paths_as_the_real_api_does(running):
    """A base URL with /v1, as SDKs have it by default, before a route that has it already."""
    body = json.dumps({"model": "x", "messages": []}).encode()
    for path, data in (("chat/completions", body), ("embeddings", body), ("models", None), ("responses", body),
                       ("files/x", None)):
        status, answer = running.get("/api/openai/v1/" + path, data=data)
        method = "POST" if data else "GET"
        assert status == 404
        assert json.loads(answer)["error"]["message"] == f"Invalid URL ({method} /v1/v1/{path})"
    assert running.get("/api/openai/models")[0] == 200
    assert running.get("/api/cloudconvert/v2/jobs")[0] == 404 and running.get("/api/cloudconvert/jobs")[0] == 200


def test_the_log_marks_what_the_mock_answered(running):
    running.get("/api/perplexity/marked")
    running.get("/api/test/not-marked")
    assert eventually(lambda: re.search(r" \((\w+) +\S+\) .* /api/perplexity/marked ", running.log()), "a line")[1] == "mock"
    assert eventually(lambda: re.search(r" \((\w+) +\S+\) .* /api/test/not-marked ", running.log()), "a line")[1] == "upstream"


def test_the_text_says_where_the_program_is(running):
    shown = re.search(r"^program +(\S+)$", running.log(), re.M)[1]
    assert os.path.samefile(os.path.join(running.folder, shown), BINARY)


def test_live(dev):
    dev.start("--live", env={"OPENAI_API_KEY": "sk-real"})
    assert re.search(r"/api/openai +-> its own upstream", dev.log())
    assert re.search(r"/api/openai +-> its own upstream, https://api\.openai\.com/v1\n", dev.log())
    assert re.search(r"/api/perplexity +-> the mock of https://api\.perplexity\.ai, since its secret is unset\n", dev.log())
    assert re.search(r"/api/test +-> the demo", dev.log())
    assert "sk-real" not in dev.log()
    dev.stop()


def test_ctrl_c_while_calls_run(dev):
    dev.start()
    host, port = dev.url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(f"GET /api/test/stream?events=1000&interval_ms=100 HTTP/1.1\r\nHost: x\r\n"
                  f"X-API-Key: {dev.key}\r\n\r\n".encode())
        received = b""
        while b"data:" not in received:
            received += s.recv(4096)
        dev.stop()


def test_database_url_is_ignored(running):
    assert re.match(r"postgresql://postgres:\w+@127\.0\.0\.1:\d+/tollgate\Z",
                    running.env["DATABASE_URL"])
    before = len(running.rows())
    assert running.get("/api/test/x")[0] == 200
    eventually(lambda: len(running.rows()) > before, "the row is in the private database")


def test_an_outside_database_gets_no_key(new_dev, cluster):
    database = cluster.create_database()
    new_dev.start("--database", database.url)
    assert "TOLLGATE_KEY" not in new_dev.env and "TOLLGATE_ADMIN_KEY" not in new_dev.env
    assert new_dev.query("SELECT count(*) FROM tollgate_users") == [(0,)]
    assert new_dev.env["DATABASE_URL"] == database.url
    assert new_dev.query("SELECT count(*) FROM tokens") == [(0,)]
    assert new_dev.get("/api/test/x")[0] == 401
    assert not os.path.exists(os.path.join(new_dev.state, "pg"))
    new_dev.stop()
    assert cluster.is_running()


def test_a_database_elsewhere_asks_first(dev):
    dev.spawn("--database", "postgresql://user:hunter2@192.0.2.1/production")
    assert dev.process.wait(20) == 2
    assert "--yes" in dev.log()
    assert "hunter2" not in dev.log()


@pytest.mark.parametrize("name", ["s" * 150, "with space and 'quotes'"])
def test_data_lives_in_a_state_folder_that_can_be_entered(devs, open_folder, name):
    state = os.path.join(open_folder, name)
    dev = devs(state).start()
    assert os.path.isdir(os.path.join(state, "pg", "data"))
    assert not os.path.islink(os.path.join(state, "pg"))
    assert dev.get("/api/test/x")[0] == 200
    eventually(lambda: len(dev.rows()) == 1, "the row")
    assert "/api/test" in run_line(dev, "psql ").stdout
    sockets = dev.query("SHOW unix_socket_directories")[0][0]
    assert len(sockets) + len("/.s.PGSQL.65535") <= 107
    dev.stop()
    if sockets.startswith("/tmp/tollgate-") and not sockets.startswith(open_folder):
        assert not os.path.exists(sockets)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_data_lives_elsewhere_if_its_user_cannot_enter(new_dev):
    os.mkdir(new_dev.state, 0o700)
    new_dev.start()
    target = os.readlink(os.path.join(new_dev.state, "pg"))
    assert target.startswith("/var/lib/tollgate-dev/")
    assert os.stat(target).st_uid != 0
    key = new_dev.key
    new_dev.stop()
    new_dev.start()
    assert new_dev.key == key
    new_dev.stop()


def test_one_run_per_state_folder(running, devs):
    second = devs(running.state).spawn()
    assert second.process.wait(20) == 1
    assert f"process {running.process.pid}" in second.log() and "--state" in second.log()
    assert running.get("/api/test/x")[0] == 200


@pytest.mark.parametrize("option", ["--listen", "--manager-listen"])
def test_busy_port(new_dev, option):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as held:
        port = held.getsockname()[1]
        other = {"--listen": "--manager-listen", "--manager-listen": "--listen"}[option]
        new_dev.spawn(option, f"127.0.0.1:{port}", other, "127.0.0.1:0", listen=False)
        assert new_dev.process.wait(20) == 1
    assert f"port {port} is in use" in new_dev.log()
    assert f"with {option}" in new_dev.log()
    assert not os.path.exists(os.path.join(new_dev.state, "pg"))


def test_a_port_means_both_loopback_addresses(dev):
    port, manager_port = free_port(), free_port()
    dev.start("--listen", str(port), "--manager-listen", str(manager_port), listen=False)
    assert dev.url == f"http://127.0.0.1:{port}"
    assert dev.get("/health")[0] == 200
    assert dev.get("/health", f"http://127.0.0.1:{manager_port}")[0] == 200
    if socket.has_ipv6 and "no IPv6" not in dev.log():
        assert dev.get("/health", f"http://[::1]:{port}")[0] == 200
        assert dev.get("/health", f"http://[::1]:{manager_port}")[0] == 200
    dev.stop()


@pytest.mark.parametrize("content", ["{", '{"routes": []', '{"no_such_key": 1}'])
def test_faults_of_the_configuration_end_it(new_dev, content):
    with open(new_dev.config, "w", encoding="ascii") as f:
        f.write(content)
    new_dev.spawn()
    assert new_dev.process.wait(20) == 1
    assert re.search(r"tollgate\.json:\d+:\d+: error: ", new_dev.log())
    assert not os.path.exists(os.path.join(new_dev.state, "pg"))


def test_a_missing_configuration(dev):
    os.remove(dev.config)
    dev.spawn()
    assert dev.process.wait(20) == 1
    assert "tollgate.json" in dev.log()


# --- left by another user ---

@pytest.fixture
def somebody(tmp_path):
    """Runs the program as a user who is not root, in a folder of his."""
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    folder = tempfile.mkdtemp(prefix="tollgate-somebody-")
    os.chown(folder, 65534, 65534)
    if os.geteuid() != 0 or subprocess.run(as_user + ["test", "-x", BINARY], check=False).returncode != 0:
        pytest.skip("takes root, and a program that others may run")
    config = os.path.join(folder, "tollgate.json")
    with open(config, "w", encoding="ascii") as f:
        f.write('{"no_such_key": 1}')  # so that no run goes on

    def run():
        return subprocess.run([*as_user, BINARY, "dev", "--config", config], cwd=folder, capture_output=True, text=True,
                              env=environment(HOME=folder), timeout=30, check=False)

    yield folder, run
    shutil.rmtree(folder)


def test_a_state_folder_that_root_left(somebody):
    folder, run = somebody
    state = os.path.join(folder, ".tollgate")
    os.mkdir(state, 0o711)
    done = run()
    assert done.returncode == 1
    assert f"{state} belongs to root, from a run as that user (with sudo?): remove it with `sudo rm -rf {state}`, the " \
           "data in it goes too; or give this run a folder of its own with --state DIR" in done.stderr
    # The cure, as it is told.
    subprocess.run("rm -rf .tollgate", shell=True, cwd=folder, check=True)
    assert "unknown key" in run().stderr


@pytest.mark.parametrize("name", ["lock", "demo.key", "tokens.snapshot", "pg.password", "usage"])
def test_files_that_root_left(somebody, name):
    folder, run = somebody
    state = os.path.join(folder, ".tollgate")
    os.mkdir(state, 0o700)
    os.chown(state, 65534, 65534)
    if name == "usage":
        os.mkdir(os.path.join(state, name), 0o700)
    else:
        os.close(os.open(os.path.join(state, name), os.O_CREAT | os.O_WRONLY, 0o600))
    done = run()
    assert done.returncode == 1
    assert f"{state}/{name} belongs to root, from a run as that user (with sudo?): take it back with `sudo chown -R " \
           f"nobody {state}`" in done.stderr
    subprocess.run("chown -R nobody .tollgate", shell=True, cwd=folder, check=True)
    assert "unknown key" in run().stderr

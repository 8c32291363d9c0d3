"""Nothing of a database's password is printed anywhere, however the address is mistyped."""
import json
import os
import subprocess

import pytest

from tg.gateway import BINARY, environment, run_cli

SECRET = "Zq7vKx@Wm3/Jp9?Bt5:Hd2&Gn8=Fc6"
PLAIN = "".join(c for c in SECRET if c.isalnum())
PARTS = {text[i:i + 4] for text in (SECRET, PLAIN) for i in range(len(text) - 3)}

# The secret as it stands, in each place of an address where one could put it.
MALFORMED = [
    f"postgresql://u:{SECRET}@127.0.0.1:1/db",
    "postgresql://u:Zq7vKx@Wm3Jp9@127.0.0.1:1/db",
    "postgresql://u:Zq7vKx@Wm3Jp9@Bt5Hd2@127.0.0.1:1/db",
    "postgresql://u:12/Zq7vKx@127.0.0.1:1/db",
    "postgresql://u:Zq7vKx/Wm3Jp9@127.0.0.1:1/db",
    "postgresql://u:12/34?options=Zq7vKx@127.0.0.1:1/db",
    "postgresql://u@127.0.0.1:1/db&password=Zq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db%26password%3DZq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db;password=Zq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db password=Zq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db/password/Zq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db?sslmode=prefer;password%3DZq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db?sslmode=prefer;password=Zq7vKxWm3",
    "postgresql://u@127.0.0.1:1/db?Zq7vKxWm3=1",
    "postgresql://u:Zq7vKx@127.0.0.1:1/db?password=Wm3Jp9",
    "postgresql://u%3AZq7vKx@127.0.0.1:1/db",
    "postgresql://u%3AZq7vKx%40127.0.0.1%3A1%2Fdb",
    "postgresql:///u%3AZq7vKx%40127.0.0.1%3A1%2Fdb",
    "postgresql://u:Zq7%vKx@127.0.0.1:1/db",
    "postgresql://u:Zq7vKx@[127.0.0.1:1/db",
    "postgresql:/u:Zq7vKx@127.0.0.1:1/db",
    "postgres//u:Zq7vKx@127.0.0.1:1/db",
    "'postgresql://u:Zq7vKx@127.0.0.1:1/db'",
    "u:Zq7vKx@127.0.0.1:1/db",
    "Zq7vKxWm3Jp9",
    f"host=127.0.0.1 port=1 dbname=db password={SECRET} Gn8Fc6",
    "host=127.0.0.1 port=1 dbname=db password='Zq7vKx'Wm3Jp9",
    "host=127.0.0.1 port=1 dbname=db password='Zq7vKx'Wm3Jp9=x",
    "host=127.0.0.1 port=1 dbname=db password='Zq7vKx",
    "host=127.0.0.1 port=1 dbname=db password=Zq7vKx password=Wm3Jp9",
    "host=Zq7vKx@127.0.0.1 port=1 dbname=db",
    "host=127.0.0.1 port=Zq7vKx dbname=db",
    "host=127.0.0.1 port=1 dbname='db password=Zq7vKx'",
    "host=127.0.0.1 port=1 dbname=postgresql://u:Zq7vKx@127.0.0.1/db",
    "host=127.0.0.1 port=1 user=u:Zq7vKx dbname=db",
    "host=127.0.0.1 port=1 dbname=db sslmode='prefer password=Zq7vKx'",
]

# The same password where it belongs.
WELL_FORMED = [
    "postgresql://u:Zq7vKx%40Wm3%2FJp9%3FBt5%3AHd2%26Gn8%3DFc6@127.0.0.1:1/db",
    "postgresql://u:Zq7vKx?Bt5:Hd2&Gn8=Fc6@127.0.0.1:1/db",
    "postgresql://u@127.0.0.1:1/db?password=Zq7vKx%40Wm3",
    f"host=127.0.0.1 port=1 dbname=db user=u password='{SECRET}'",
    f"host=127.0.0.1 port=1 dbname=db user=u password={SECRET}",
]

def no_part(text, where):
    for part in PARTS:
        assert part not in text, f"{where}: {part!r} in {text!r}"


def write(folder, database, **more):
    path = folder / "tollgate.json"
    path.write_text(json.dumps({
        "listen": "127.0.0.1:0", "manager": {"listen": "127.0.0.1:0"}, "database": database,
        "routes": [{"name": "a", "path": "/a", "upstream": "http://127.0.0.1:1"}], **more}))
    return path


def output(*arguments, **env):
    done = run_cli(*arguments, env=env, check=False)
    return done.returncode, done.stdout + done.stderr


# Names of tests are in paths, so the secret must not be in them.
@pytest.mark.parametrize("database", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed(tmp_path, database):
    """Refused by check, serve and every command, with what to do and without any of it."""
    config = write(tmp_path, "${TG_DB}")
    (tmp_path / "secret").write_text(database + "\n")
    from_file = tmp_path / "file.json"
    from_file.write_text(config.read_text().replace('"${TG_DB}"', '{"file": "secret"}'))
    in_clear = tmp_path / "clear.json"
    in_clear.write_text(config.read_text().replace('"${TG_DB}"', json.dumps(database)))
    commands = [("check", "--dump", "--config", file) for file in (config, from_file, in_clear)]
    commands += [("serve", "--config", config), ("migrate", "--database", database),
                 ("usage", "ask", "totals", "--database", database), ("token", "list")]
    for command in commands:
        status, text = output(*command, TG_DB=database, DATABASE_URL=database)
        no_part(text, command[0])
        assert status == 1 and "the database" in text and "percent-encode" in text
    in_clear.write_text(in_clear.read_text()[:-1] + ', "env": {"dev": {}}}')
    no_part(output("check", "--env", "dev", "--dump", "--config", in_clear)[1], "dev")


@pytest.mark.parametrize("database", WELL_FORMED, ids=range(len(WELL_FORMED)))
def test_well_formed(tmp_path, database):
    """Nobody listens there: what libpq says of it is printed, and holds no part either."""
    config = write(tmp_path, "${TG_DB}")
    status, text = output("check", "--config", config, "--dump", TG_DB=database)
    assert status == 0 and '"host=' not in text and "password=***" in text
    no_part(text, "check")
    for command in (("migrate",), ("token", "list")):
        status, text = output(*command, "--database", database)
        assert status == 1 and "refused" in text
        no_part(text, command)


def test_log_of_a_well_formed_one(tmp_path):
    config = write(tmp_path, "${TG_DB}")
    log = serve_until_no_database(config, WELL_FORMED[0])
    assert "no database" in log
    no_part(log, "serve")


def serve_until_no_database(config, database):
    with subprocess.Popen([BINARY, "serve", "--config", config], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env=environment(TG_DB=database)) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "INFO ready" in line:
                process.terminate()
        assert process.wait() == 0
    return "".join(lines)


MISPLACED = [
    {"database": {"file": "postgresql://u:Zq7vKx@h/db"}},
    {"database": {"file": "${TG_DB}"}},
    {"listen": "${TG_DB}"},
    {"listen": ["127.0.0.1:0", "${TG_DB}"]},
    {"trusted_proxies": ["${TG_DB}"]},
    {"node": "${TG_DB}"},
    {"tls": {"listen": "127.0.0.1:0", "certificate": "${TG_DB}", "key": "${TG_DB}"}},
    {"workers": "${TG_DB}"},
    {"access_log": "${TG_DB}"},
    {"timeouts": {"drain_s": "${TG_DB}"}},
    {"routes": [{"name": "a", "path": "${TG_DB}", "upstream": "http://h"}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "${TG_DB}"}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h", "scope": "${TG_DB}"}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h",
                 "cors": {"origins": ["${TG_DB}"]}}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h", "methods": ["${TG_DB}"]}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h",
                 "on_client_abort": "${TG_DB}"}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h",
                 "remove_headers": ["${TG_DB}"]}]},
    {"routes": [{"name": "a", "path": "/a", "upstream": "http://h",
                 "set_headers": {"Authorization": {"file": "${TG_DB}"}}}]},
]


@pytest.mark.parametrize("settings", MISPLACED, ids=range(len(MISPLACED)))
def test_a_secret_in_another_place(tmp_path, settings):
    """A value from a variable is not quoted by an error, whatever the key is."""
    config = write(tmp_path, "dbname=x")
    config.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
    for database in ("postgresql://u:Zq7vKxWm3Jp9@127.0.0.1:1/db", SECRET):
        status, text = output("check", "--config", config, TG_DB=database)
        assert status == 1
        no_part(text, settings)
    assert os.listdir(tmp_path) == ["tollgate.json"]

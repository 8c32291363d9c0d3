"""docs/deploying.md, followed to the letter on a fresh Debian 12: from its first command to the first recorded call."""
import json
import os
import re
import shutil
import subprocess

import pytest

from tg.gateway import ROOT

# The document's commands in their order. A change there is a change here.
FOLLOWED = r"""
sudo apt-get update
sudo apt-get install -y --no-install-recommends make curl ca-certificates openssl postgresql nginx nodejs npm
make
sudo make install
sudo useradd --system --home-dir /var/lib/tollgate --shell /usr/sbin/nologin tollgate
sudo install -d -m 755 /etc/tollgate
sudo install -m 644 /usr/local/share/tollgate/tollgate.json /etc/tollgate/
pg_lsclusters --no-header | grep -q . || sudo pg_createcluster 15 main
sudo systemctl enable --now postgresql
sudo -u postgres createdb --encoding=UTF8 --template=template0 tollgate
sudo -u postgres tollgate migrate --database "host=/var/run/postgresql dbname=tollgate"
password=$(openssl rand -hex 24)
sudo -u postgres psql --quiet --command "ALTER ROLE tollgate LOGIN PASSWORD '$password'"
sudo install -o root -g tollgate -m 640 /dev/null /etc/tollgate/tollgate.env
sudo tee /etc/tollgate/tollgate.env >/dev/null <<EOF
DATABASE_URL=postgresql://tollgate:$password@127.0.0.1/tollgate
OPENAI_API_KEY=your-key-of-openai
PERPLEXITY_API_KEY=your-key-of-perplexity
CLOUDCONVERT_API_KEY=your-key-of-cloudconvert
EOF
sudo -u tollgate tollgate check
key=$(sudo -u tollgate tollgate token create --name my-workflow --scope openai,test)
echo "$key"
sudo cp /usr/local/share/tollgate/tollgate.service /etc/systemd/system/
sudo systemctl daemon-reload
sudo systemctl enable --now tollgate
curl -fsS http://127.0.0.1:8787/ready
tollgate demo --listen 127.0.0.1:9001 >/dev/null &
curl -fsS --retry 5 --retry-connrefused http://127.0.0.1:9001/
curl -fsS -H "X-API-Key: $key" http://127.0.0.1:8787/api/test/hello
sleep 2
curl -fsS http://127.0.0.1:8000/api/usage/test-data
sudo install -d -m 755 /etc/nginx/tollgate
sudo openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=gateway.example.com \
    -addext "subjectAltName=DNS:gateway.example.com,DNS:manager.example.com" \
    -keyout /etc/nginx/tollgate/privkey.pem -out /etc/nginx/tollgate/fullchain.pem
sudo cp /usr/local/share/tollgate/nginx.conf /etc/nginx/conf.d/tollgate.conf
sudo nginx -t
sudo systemctl enable --now nginx
sudo systemctl reload nginx
curl -fsS --cacert /etc/nginx/tollgate/fullchain.pem --resolve gateway.example.com:443:127.0.0.1 \
    -H "X-API-Key: $key" https://gateway.example.com/api/test/hello
kill %1
"""

# What no test can follow: a certificate of a public authority, systemd's own sockets, Docker.
NOT_FOLLOWED = r"""
sudo apt-get install -y certbot
sudo certbot certonly --webroot -w /var/www/html -d gateway.example.com -d manager.example.com \
    --deploy-hook "systemctl reload nginx"
sudo ln -sf /etc/letsencrypt/live/gateway.example.com/fullchain.pem /etc/nginx/tollgate/fullchain.pem
sudo ln -sf /etc/letsencrypt/live/gateway.example.com/privkey.pem /etc/nginx/tollgate/privkey.pem
sudo systemctl reload nginx
sudo cp /usr/local/share/tollgate/tollgate.socket /etc/systemd/system/
sudo systemctl daemon-reload
sudo systemctl stop tollgate
sudo systemctl enable --now tollgate.socket
sudo systemctl start tollgate
sudo usermod --append --groups www-data tollgate
sudo systemctl disable --now tollgate
sudo rm -f /etc/systemd/system/tollgate.service /etc/nginx/conf.d/tollgate.conf
sudo systemctl daemon-reload
sudo systemctl reload nginx
sudo make uninstall
printf 'POSTGRES_PASSWORD=%s\nTOLLGATE_PASSWORD=%s\nOPENAI_API_KEY=sk-...\n' \
    "$(openssl rand -hex 16)" "$(openssl rand -hex 16)" >.env
docker compose up -d --build
docker compose run --rm gateway token create --name my-workflow --scope openai
"""


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def document():
    """The commands of the document: its blocks of shell, one after the other."""
    return "".join(re.findall(r"^```sh\n(.*?)^```$", read("docs", "deploying.md"), re.M | re.S))


def test_the_document_has_these_commands():
    assert document() == FOLLOWED.lstrip("\n") + NOT_FOLLOWED.lstrip("\n")


def test_the_document_sets_what_the_example_needs():
    settings = re.sub(r"^\s*//.*$", "", read("config", "tollgate.json"), flags=re.M)
    needed = set(re.findall(r"\$\{(\w+)\}", settings))
    assert needed == set(re.findall(r"^([A-Z_]+)=", FOLLOWED, re.M))


def test_install_and_uninstall(tmp_path):
    """Into a folder of its own, with another prefix; what is not ours stays."""
    def make(target):
        subprocess.run(["make", "-o", "all", "-o", "build/release/tollgate", target, f"DESTDIR={tmp_path}", "PREFIX=/opt/tollgate"], cwd=ROOT,
                       check=True, stdout=subprocess.DEVNULL)

    def files():
        return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())

    if not os.path.exists(os.path.join(ROOT, "build", "release", "tollgate")):
        pytest.skip("another variant is tested")
    other = tmp_path / "opt" / "tollgate" / "share" / "other"
    other.mkdir(parents=True)
    (other / "file").write_text("x")
    make("install")
    share = "opt/tollgate/share/tollgate/"
    for_man_and_shells = ["bash-completion/completions/tollgate", "fish/vendor_completions.d/tollgate.fish",
                          "man/man1/tollgate.1", "man/man5/tollgate.json.5", "zsh/site-functions/_tollgate"]
    assert files() == sorted(
        ["opt/tollgate/bin/tollgate", "opt/tollgate/share/other/file"]
        + ["opt/tollgate/share/" + name for name in for_man_and_shells]
        + [share + name for name in ("nginx.conf", "tollgate.json", "tollgate.service", "tollgate.socket")])
    assert all((tmp_path / "opt/tollgate/share" / name).stat().st_size > 1000 for name in for_man_and_shells)
    unit = (tmp_path / share / "tollgate.service").read_text()
    assert "/usr/local/bin" not in unit and unit.count("=/opt/tollgate/bin/tollgate ") == 3
    make("uninstall")
    assert files() == ["opt/tollgate/share/other/file"]
    make("uninstall")  # nothing there: fine as well


def test_every_target_names_its_packages(tmp_path):
    """What `make TARGET` installs before it does anything else; a fresh machine has none of it."""
    targets = re.findall(r"^## ([\w-]+):", read("Makefile"), re.M) + [
        "unit", "unit-build", "bench-build", "help", "build/release/tollgate", "build/release/unit/http/test_chunk"]
    (tmp_path / "stop.mk").write_text(
        "$(info default:$(PACKAGES))\n" + "".join(f"$(info {t}:$(call packages_of,{t}))\n" for t in targets) + "$(error stop)\n")
    done = subprocess.run(["make", "-n", "-f", "Makefile", "-f", str(tmp_path / "stop.mk")], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    packages = dict(re.findall(r"^(\S+):(.*)$", done.stdout, re.M))
    assert set(targets) < set(packages)
    assert {target for target in packages if packages[target] == "-"} == {"clean", "uninstall", "help"}
    for wanted, those in {
            "build": ["default", "all", "install", "build/release/tollgate", "bench-build"], "dev": ["dev"],
            "unit": ["check-unit", "unit", "unit-build", "build/release/unit/http/test_chunk"], "lint": ["lint", "format"],
            "check": ["check", "check-integration", "check-asan", "check-tsan", "check-fuzz", "check-conformance"]}.items():
        assert {packages[target] for target in those} == {wanted}
    known = set(re.findall(r"^sets\[(\w+)\]=", read("config", "install-packages.sh"), re.M))
    assert set(" ".join(packages.values()).split()) - {"-"} <= known


def test_packages_that_are_missing_are_named(tmp_path):
    """Where nothing is installed and nobody may install: which ones, and what to run."""
    (tmp_path / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    for program in tmp_path.iterdir():
        program.chmod(0o755)
    for program in ("bash", "sed", "env"):
        (tmp_path / program).symlink_to(shutil.which(program))
    done = subprocess.run([os.path.join(ROOT, "config", "install-packages.sh"), "build"], capture_output=True, text=True,
                          env={"PATH": str(tmp_path)}, check=False)
    assert done.returncode == 1
    assert done.stderr == ("These packages are missing; as root: apt-get install gcc make pkg-config libc6-dev libevent-dev "
                           "libssl-dev libpq-dev libcjson-dev libcjose-dev libcurl4-openssl-dev python3 "
                           "python3-yaml\n")


# --- the whole way ---

PACKAGES = re.compile(r"^sudo apt-get install -y --no-install-recommends (.*)$", re.M)
TREE = "/home/someone/tollgate"
SCRIPT = f"""
set -eu -o pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND" >&2' ERR
cd {TREE}
"""
# The last call's row is written a moment after it.
ROWS = """
curl -fsS http://127.0.0.1:8000/dashboard | grep -q '<title>Tollgate</title>'
for n in $(seq 100); do
    curl -fsS http://127.0.0.1:8000/api/usage/test-data >/tmp/rows
    [ "$(grep -o '"route_path":"/api/test"' /tmp/rows | wc -l)" -lt 2 ] || break
    sleep 0.1
done
echo ROWS
cat /tmp/rows
"""


def sh(*command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **how)
    assert done.returncode == 0, f"{command}: {done.stdout[-6000:]}"
    return done.stdout


def in_root(root, *command):
    """With the machine's network: for packages."""
    return sh("unshare", "--mount", "bash", "-c",
              'mount --bind /proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" "$@"', root, *command)


@pytest.fixture
def debian(tmp_path):
    """A fresh Debian 12 with a user who may use sudo, the sources in a folder of hers."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("takes root and mmdebstrap")
    root = str(tmp_path / "root")
    sh("mmdebstrap", "--variant=apt", "--include=sudo,ca-certificates", "bookworm", root)
    shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")
    with open(root + "/etc/hosts", "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 localhost {os.uname().nodename}\n::1 localhost\n")
    in_root(root, "useradd", "--create-home", "--shell", "/bin/bash", "someone")
    with open(root + "/etc/sudoers.d/someone", "w", encoding="ascii") as f:
        f.write("someone ALL=(ALL) NOPASSWD: ALL\n")
    shutil.copy(os.path.join(ROOT, "test/integration/tg/systemctl.sh"), root + "/usr/local/sbin/systemctl")
    os.makedirs(root + TREE)
    sh("bash", "-c", 'git -c safe.directory="*" ls-files -z | tar --null --files-from=- -c | tar -xC "$0"',
       root + TREE, cwd=ROOT)
    in_root(root, "chown", "-R", "someone:", "/home/someone")
    yield root
    shutil.rmtree(root)


def download(root):
    """The packages that are installed on the way, which is without a network."""
    build = re.search(r'^sets\[build\]="(.*?)"', read("config", "install-packages.sh"), re.M | re.S).group(1)
    names = PACKAGES.search(FOLLOWED).group(1).split() + build.split()
    in_root(root, "apt-get", "update")
    in_root(root, "apt-get", "install", "-y", "--no-install-recommends", "--download-only", *names)
    download_node_modules(root)


def download_node_modules(root):
    """What `npm ci` asks for, in the user's cache; from the registry that this machine uses."""
    home, place = root + "/home/someone", root + "/tmp/dashboard"
    os.makedirs(place)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(os.path.join(ROOT, "dashboard", name), place)
    sh("npm", "ci", "--cache", home + "/.npm", "--ignore-scripts", "--no-audit", "--no-fund", cwd=place)
    shutil.rmtree(place)
    with open(home + "/.npmrc", "w", encoding="utf-8") as f:
        f.write("registry=" + sh("npm", "config", "get", "registry"))
    in_root(root, "chown", "-R", "someone:", "/home/someone/.npm", "/home/someone/.npmrc")


def follow(root, script):
    """In a network of its own, so that no port of this machine is in the way; its processes end with it."""
    path = "/home/someone/followed.sh"
    with open(root + path, "w", encoding="utf-8") as f:
        f.write(SCRIPT + script)
    return sh("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c",
              'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; ip link set lo up; '
              'exec chroot "$0" su - someone -c "bash $1"', root, path)


@pytest.mark.full
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("before", [
    pytest.param("", id="fresh"),
    # Debian's package then has made no cluster.
    pytest.param("sudo apt-get install -y --no-install-recommends make\nconfig/install-packages.sh dev\n",
                 id="after make dev"),
])
def test_a_fresh_machine_to_the_first_recorded_call(debian, before):
    download(debian)
    out = follow(debian, before + FOLLOWED + ROWS)
    first, rows = (json.loads(text) for text in re.findall(r'^(\{"count" .*\})', out, re.M))
    assert [row["response_status"] for row in first["rows"]] == [200], out
    assert [(row["token_name"], row["response_status"]) for row in rows["rows"]] == [("my-workflow", 200)] * 2, out

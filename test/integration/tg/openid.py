"""OpenID providers for browsers to sign in at: a real one (test/oidc, by Node), and one that lies."""
import base64
import hashlib
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from tg.gateway import ROOT, environment
from tg.ports import free_port
from tg.provider import Provider
from tg.wire import Client

FOLDER = os.path.join(ROOT, "test", "oidc")
REAL_SECRET = "a-secret-of-the-real-provider's: /+%"
LIAR_SECRET = "the-liar's-own-secret&="


class RealProvider:
    """`oidc-provider` with the clients "tollgate" and "other"; .issuer."""

    def __init__(self, home, people):
        subprocess.run([os.path.join(ROOT, "config", "install-node-modules.sh"), FOLDER], check=True, timeout=300)
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        clients = [{"client_id": name, "client_secret": REAL_SECRET, "redirect_uris": [home + "/api/sign-in/callback"],
                    "post_logout_redirect_uris": [home + "/"]} for name in ("tollgate", "other")]
        self.process = subprocess.Popen(
            [os.environ.get("TOLLGATE_TEST_NODE", "node"), os.path.join(FOLDER, "provider.mjs"),
             json.dumps({"port": self.port, "clients": clients, "claims": people})],
            stdout=subprocess.PIPE, env=environment())
        assert self.process.stdout.readline() == b"ready\n"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Liar:
    """A provider whose documents and tokens a test chooses, at `issuer` + "/" + a name.

    documents: by name, what is changed in the discovery document (None: the member goes), or a function that
    answers instead. A code is one of `codes`: its value is a function that gets the liar and the form and returns
    (status, headers, body).
    """

    def __init__(self, folder, documents):
        self.documents, self.codes, self.asked = documents, {}, []
        self.stop = threading.Event()
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                liar.answer(self, *liar.get(self.path))

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                liar.answer(self, *liar.exchange(form, self.headers))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.keys = Provider(folder, self.issuer("liar"))

    def issuer(self, name):
        return f"{self.root}/{name}"

    @staticmethod
    def answer(handler, status, headers, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass  # it has had enough

    def get(self, path):
        name = path.split("/")[1]
        if path.endswith("/jwks"):
            with open(self.keys.jwks_file, "rb") as f:
                return 200, {}, f.read()
        lie = self.documents[name]
        if callable(lie):
            return lie(self)
        issuer = self.issuer(name)
        told = {"issuer": issuer, "authorization_endpoint": issuer + "/auth?tenant=1", "token_endpoint": issuer + "/token",
                "jwks_uri": issuer + "/jwks", **lie}
        return 200, {}, {name: value for name, value in told.items() if value is not None}

    def exchange(self, form, headers):
        fields = {name: values[0] for name, values in parse_qs(form, strict_parsing=True).items()}
        self.asked.append((fields, headers))
        return self.codes[fields["code"]](fields)

    def code(self, answer):
        """A code for which there is this answer: (status, headers, body), or a function of the form."""
        code = f"code-{len(self.codes)}-of-the-liar"
        self.codes[code] = answer if callable(answer) else lambda form: answer
        return code

    def token(self, nonce, **more):
        return self.keys.token(**{"aud": "tollgate", "sub": "liar's", "nonce": nonce, **more})

    def tokens(self, *arguments, **more):
        return 200, {}, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(*arguments, **more)}

    def close(self):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()


def challenge_of(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Browser:
    """Keeps cookies by origin, and goes where it is sent one step at a time.

    `home` is the manager as browsers see it; `address` is its own, behind a trusted proxy.
    """

    def __init__(self, home, api, address):
        self.home, self.api, self.address, self.jar = home, api, address, {}

    def get(self, url, accept="application/json", method="GET", headers=()):
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        is_home = origin == self.home
        cookies = self.jar.setdefault(origin, {})
        fields = [("Accept", accept), *headers]
        if cookies:
            fields.append(("Cookie", "; ".join(f"{n}={v}" for n, v in cookies.items())))
        if is_home:
            fields.append(("X-Forwarded-For", self.address))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        with Client("127.0.0.1", self.api.gateway.manager_port if is_home else parts.port) as client:
            said = client.call(method, target, fields, host=parts.netloc)
        if is_home:
            assert said.get("cache-control") == "no-store"
            self.api.check(method, target, said.status, json.loads(said.body) if said.body else None)
        for line in said.head.all("set-cookie"):
            pair, *attributes = line.split("; ")
            name, value = pair.split("=", 1)
            if value == "" or "Max-Age=0" in attributes:
                cookies.pop(name, None)
            else:
                cookies[name] = value
        return said

    @property
    def cookies(self):
        return self.jar.setdefault(self.home, {})

    def start(self, provider, **query):
        """Where the browser is sent."""
        said = self.get(f"{self.home}/api/sign-in/{provider}" + (f"?{urlencode(query)}" if query else ""))
        assert said.status == 302, (said.status, said.body)
        return said.get("location")

    def sign_in_there(self, url, how):
        """At the real one: as whom ("as=anna") or "refuse"; the address that leads home again."""
        for _ in range(8):
            if url.startswith(self.home):
                return url
            if "/interaction/" in url:
                url += "?" + how
            said = self.get(url)
            assert said.status in (302, 303), (url, said.status, said.body)
            place = said.get("location")
            parts = urlsplit(url)
            url = place if "://" in place else f"{parts.scheme}://{parts.netloc}{place}"
        raise AssertionError(f"it goes round and round: {url}")

    def sign_in(self, provider, how, **query):
        """The answer of the callback."""
        return self.get(self.sign_in_there(self.start(provider, **query), how))


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}

"""The access log: what a line tells of refusals and of upstreams' faults."""
import re
import socket
import ssl

import pytest

from tg.gateway import make_token
from tg.ports import black_hole, free_port
from tg.problems import assert_problem
from tg.wait import eventually

pytestmark = pytest.mark.standing

LINE = re.compile(r'^(?P<time>\S+Z) (?P<status>\d{3}) (?P<method>\S+) +(?P<total>\d+ms) '
                  r'\(upstream +(?P<upstream>\S+)\) in +(?P<bytes_in>\S+) out +(?P<bytes_out>\S+) '
                  r'(?P<token>#\d+|-) *(?P<name>"[^"]*" )?(?P<path>\S+) '
                  r'(?:\[(?P<why>.*)\] )?(?P<ip>\S+) (?P<id>\S+)$', re.M)


def line_of(gateway, answer):
    """The parsed line of the call that was answered so."""
    request_id = answer.get("tollgate-request-id")

    def find():
        return next((m for m in LINE.finditer(gateway.log()) if m["id"] == request_id), None)

    return eventually(find, "its line")


def token(gateway, name, *scopes):
    return make_token(gateway.config_file, name, scopes)


def refuse(gateway, path, status, code, key=None):
    """A call that is refused: its answer and its line."""
    with gateway.connect(key) as client:
        answer = client.call("GET", path)
    assert_problem(answer, status, code)
    line = line_of(gateway, answer)
    assert (line["status"], line["path"]) == (str(status), path)
    return answer, line


@pytest.fixture
def named(gateway):
    """A token without the route's scope, which the gateway knows."""
    made = token(gateway, "n8n: Rechnungen für \"Süd\"", "other")
    eventually(lambda: gateway.connect(made["key"]).call("GET", "/api/test/x").status == 403, "it is known")
    return made


NAME = r'"n8n: Rechnungen f\xc3\xbcr \x22S\xc3\xbcd\x22" '


def test_scope_that_is_missing(gateway, named):
    _, line = refuse(gateway, "/api/test/x", 403, "scope_missing", named["key"])
    assert (line["token"], line["name"]) == (f"#{named['id']}", NAME)
    assert line["why"] == ("http_request_denied scope_missing route=test "
                           "\"the key lacks the scope 'test' of route 'test'\"")


@pytest.mark.alone
def test_key_that_is_revoked(gateway, named, database):
    database.query("UPDATE tokens SET revoked_at = now() WHERE id = %s", (named["id"],))
    eventually(lambda: gateway.connect(named["key"]).call("GET", "/api/test/x").status == 401, "it is revoked")
    _, line = refuse(gateway, "/api/test/x", 401, "revoked_key", named["key"])
    assert (line["token"], line["name"]) == (f"#{named['id']}", NAME)
    assert line["why"].startswith('http_request_denied revoked_key route=test "the key was revoked')


@pytest.mark.parametrize("key, code", [("nobody's", "unknown_key"), ("", "missing_key")])
def test_keys_of_nobody(gateway, key, code):
    client = gateway.connect(key)
    answer = client.call("GET", "/api/test/x")
    line = line_of(gateway, answer)
    assert (line["token"], line["name"]) == ("-", None)
    assert (answer.status, answer.json()["code"]) == (401, code)
    assert line["why"].startswith(f"http_request_denied {code} route=test \"")


@pytest.mark.parametrize("path", ["/api/nope", "/", "/api/testing/%C3%BC", "/api/" + "x" * 3000])
def test_path_that_is_nobodys(gateway, path):
    answer = gateway.call("GET", path)
    assert_problem(answer, 404, "no_route")
    line = line_of(gateway, answer)
    shown = path if len(path) < 150 else path[:100]
    assert f"no route's path is a prefix of {shown}" in answer.json()["detail"]
    assert line["path"].startswith(shown)
    assert line["why"].startswith(f"http_request_denied no_route \"no route's path is a prefix of {shown}")


def test_name_that_is_given_later(gateway, database):
    """It comes with the next change of the token."""
    made = token(gateway, "first", "other")

    def name():
        answer = gateway.connect(made["key"]).call("GET", "/api/test/x")
        return line_of(gateway, answer)["name"]

    eventually(lambda: name() == '"first" ', "it is known")
    database.query("UPDATE tokens SET name = 'second', scopes = '{another}' WHERE id = %s", (made["id"],))
    eventually(lambda: name() == '"second" ', "it is renamed")


def fault(gateway, database, answer, status, code, address, rows=1):
    """Answer, line and row of an upstream's fault name its address."""
    assert_problem(answer, status, code)
    assert answer.json()["detail"].startswith(f"{address}")
    line = line_of(gateway, answer)
    assert line["why"].startswith(f'{code} route=test "{address}')
    row = database.wait_usage(rows)[rows - 1]
    assert row["error_message"].startswith(f"{code}: {address}")
    return line


def test_upstream_that_refuses(gateways, database):
    port = free_port()
    gateway = gateways(route={"upstream": f"http://127.0.0.1:{port}"})
    fault(gateway, database, gateway.call("GET", "/api/test/x"), 502, "connection_refused",
          f"127.0.0.1:{port}: Connection refused")


def test_upstream_by_name_that_refuses(gateways, database):
    port = free_port()
    gateway = gateways(route={"upstream": f"http://localhost:{port}"})
    answer = gateway.call("GET", "/api/test/x")
    fault(gateway, database, answer, 502, "connection_refused", f"localhost:{port} (")


def test_upstream_that_is_silent(gateways, database):
    with black_hole("127.0.0.1") as port:
        gateway = gateways(route={"upstream": f"http://127.0.0.1:{port}"}, timeouts={"connect_s": 0.3})
        fault(gateway, database, gateway.call("GET", "/api/test/x"), 504, "connection_timeout",
              f"127.0.0.1:{port}")


@pytest.mark.sanitizer
@pytest.mark.parametrize("sent, code", [
    (b"", "connection_terminated"),
    (b"HTTP/1.1 200", "http_response_incomplete"),
    (b"HTTP/1.1 2000 Far too good\r\n\r\n", "http_protocol_error"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n", "http_protocol_error"),
])
def test_answers_that_are_none(gateway, upstream, database, sent, code):
    client = gateway.connect()
    client.send_request("POST", "/api/test/x", (), b"once")
    conn = upstream.accept()
    conn.read_request()
    conn.send(sent)
    conn.close()
    fault(gateway, database, client.read_response(), 502, code, f"{upstream.authority}: ")


def test_upstream_that_never_answers(gateways, upstream, database):
    gateway = gateways(upstream, timeouts={"first_byte_s": 0.3})
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    upstream.accept().read_request()
    fault(gateway, database, client.read_response(), 504, "http_response_timeout",
          f"{upstream.authority}: no response head")


def test_answer_that_breaks_off_inside(gateway, upstream, database):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!")
    conn.close()
    client.expect_closed()
    row, = database.wait_usage(1)
    assert row["error_message"].startswith(f"http_response_incomplete: {upstream.authority}: ")
    eventually(lambda: f'[http_response_incomplete route=test "{upstream.authority}: ' in gateway.log(), "its line")


def test_an_upstreams_own_error_is_no_fault_on_the_way(gateway, upstream):
    client = gateway.connect()
    client.send_request("GET", "/api/test/x")
    conn = upstream.accept()
    conn.read_request()
    conn.respond("502 Bad Gateway")
    line = line_of(gateway, client.read_response())
    assert (line["status"], line["why"]) == ("502", None)


@pytest.mark.sanitizer
@pytest.mark.alone  # a caller is warned of once, of whichever test it was
def test_tls_on_a_plain_port(gateway):
    context = ssl.create_default_context()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="localhost")
    eventually(lambda: gateway.log().count("[http_request_error tls_on_plain_port]") == 3, "three lines")
    assert gateway.log().count("WARN 127.0.0.1 speaks TLS to a port for plain HTTP") == 1


def test_tls_on_a_plain_port_byte_by_byte(gateway):
    client = gateway.connect()
    for byte in b"\x16\x03\x01":
        client.send(bytes([byte]))
    answer = client.read_response()
    assert (answer.status, answer.json()["code"]) == (400, "tls_on_plain_port")
    client.expect_closed()

"""What every answer of the gateway's own must look like."""

# A key that no database holds and no gateway made.
UNKNOWN_FOREIGN = "sk-somebody-elses-key-000000000000"
PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "code", "error"}


def assert_problem(answer, status, code):
    """One of the gateway's own answers, readable as RFC 9457 and as an OpenAI error."""
    assert (answer.status, answer.json()["code"]) == (status, code), answer.body
    body = answer.json()
    assert PROBLEM_FIELDS <= set(body), body
    assert body["status"] == status
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert body["error"]["type"]
    assert answer.get("content-type") == "application/json"
    assert answer.get("tollgate-request-id") in body["instance"]
    assert "error=" in answer.get("proxy-status")
    if status == 401:
        assert any("ApiKey" in v or "Bearer" in v for v in answer.all("www-authenticate"))
    if status == 503:
        assert int(answer.get("retry-after")) > 0
    return body

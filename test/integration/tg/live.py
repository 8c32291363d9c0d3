"""A reader of GET /api/live."""
import json
from typing import Any, NamedTuple

from tg.wire import Client


class Event(NamedTuple):
    name: str
    id: str  # None: it has none
    data: Any


class LiveReader(Client):
    """Reads events one by one; what is no event as the standard has them fails."""

    def __init__(self, managed, key=None, query="", headers=(), receive_buffer=None):
        super().__init__("127.0.0.1", managed.gateway.manager_port, receive_buffer=receive_buffer)
        bearer = [("Authorization", f"Bearer {key}")] if key else []
        self.send_request("GET", "/api/live" + ("?" + query if query else ""), [*bearer, *headers],
                          host=managed.api.host)
        self.answer = self.read_response_head()
        self.text = b""

    def block(self):
        """The next lines up to an empty one; None: the stream is at its end."""
        while b"\n\n" not in self.text:
            chunk = self.read_chunk()
            if not chunk:
                assert self.text == b""
                return None
            self.text += chunk
        block, self.text = self.text.split(b"\n\n", 1)
        return block.decode("utf-8").split("\n")

    def event(self):
        """The next event; comments and the time to come back after are passed over."""
        while True:
            lines = self.block()
            if lines is None:
                return None
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if "data" in fields:
                return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))

    def request(self, **wanted):
        """The next call; it is as wanted."""
        event = self.event()
        assert event.name == "request", event
        assert {name: event.data[name] for name in wanted} == wanted
        return event

    def until(self, name):
        """The events up to one of this name, which is the last."""
        events = [self.event()]
        while events[-1].name != name:
            events.append(self.event())
        return events

    def end(self):
        """The reason of its end; the stream is whole."""
        event = self.until("end")[-1]
        assert self.event() is None
        return event.data["reason"]

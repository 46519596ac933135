import pytest
from werkzeug import Request, Response
from werkzeug.test import EnvironBuilder

from local.gateway import readers
from local.gateway.readers import Readers


def told(served: Readers, method: str, **headers: str) -> list[str]:
    request = Request(EnvironBuilder(method=method, headers=headers.items()).get_environ())
    answer = Response(headers={"server-timing": "work;dur=3"})
    return served.note(request, answer).headers.getlist("server-timing")


def test_writers_are_told_of_readers_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Readers()
    assert told(served, "POST") == ["work;dur=3"]
    told(served, "GET", Authorization="Bearer of the writer's own")
    assert told(served, "POST") == ["work;dur=3"]
    assert told(served, "GET") == ["work;dur=3"]
    assert told(served, "POST") == ["work;dur=3", "readers"]
    monkeypatch.setattr(readers, "_SECONDS", 0)
    assert told(served, "PUT") == ["work;dur=3"]

import pytest

from studio.answer.settings import Settings
from studio.answer.wire import REPLY, REQUEST, Ask, Done, Failed, Load, Note, Stop, Texts
from studio.run.wire import line

ASK = Ask(id=1, run="/runs/x", messages={"base": [{"role": "user", "content": "a\nb\u2028c"}]}, settings=Settings())


@pytest.mark.parametrize(
    "request_", [ASK, Load(id=2, run="/runs/x"), Load(id=4, base="starter"), Stop(id=3)], ids=lambda r: r.kind
)
def test_requests_travel_on_one_line(request_):
    text = line(request_)
    assert text.count(b"\n") == 1
    assert REQUEST.validate_json(text) == request_


@pytest.mark.parametrize(
    "reply",
    [Note(id=1, note="n"), Texts(id=1, texts={"base": "ü\n"}), Done(id=1), Failed(id=1, message="m")],
    ids=lambda r: r.kind,
)
def test_replies_travel_on_one_line(reply):
    assert REPLY.validate_json(line(reply)) == reply

import pytest

from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.wire import REPLY, REQUEST, Ask, Asked, Done, Failed, Load, Measure, Note, Piece, Said, Stop
from studio.run.wire import line

VOICE = Voice.of_run("/runs/x", strength=0.5)
ASK = Ask(
    id=1,
    asker="me",
    panes={"p1": Asked(VOICE, [{"role": "user", "content": "a\nb\u2028c"}])},
    settings=Settings(),
)


@pytest.mark.parametrize(
    "request_", [ASK, Load(id=2, voices=[VOICE, Voice.of_model("starter")]), Stop(id=3)], ids=lambda r: r.kind
)
def test_requests_travel_on_one_line(request_):
    text = line(request_)
    assert text.count(b"\n") == 1
    assert REQUEST.validate_json(text) == request_


@pytest.mark.parametrize(
    "reply",
    [
        Note(id=1, note="n"),
        Said(id=1, pieces={"p1": [Piece("ü\n", 0.5, [("u", 0.25), ("", 0.125)])]}, anew=["p1"]),
        Done(id=1, texts={"p1": "ü\n"}, measures={"p1": Measure(3, 1, None, 0.5, "length")}),
        Failed(id=1, message="m"),
    ],
    ids=lambda r: r.kind,
)
def test_replies_travel_on_one_line(reply):
    assert line(reply).count(b"\n") == 1
    assert REPLY.validate_json(line(reply)) == reply


def test_a_piece_is_as_short_as_it_can_be():
    """The browser reads it by place: text, probability, others."""
    assert b'[["a",0.5,[["b",0.25]]]]' in line(Said(id=1, pieces={"p": [Piece("a", 0.5, [("b", 0.25)])]}))

"""The chat host as the page uses it: a real child process with a real (tiny) model."""

import threading
import time

import pytest

from studio.answer.chat import Asked
from studio.answer.settings import Settings
from studio.answer.voice import BASE, Voice
from studio.errors import StudioError

HI = [{"role": "user", "content": "Hi."}]
BRIEF = Settings(max_new_tokens=40)
ENDLESS = Settings(max_new_tokens=1900)  # some seconds, if nobody stops it
USERS = 4


def last(answer):
    *_, told = answer
    return told


@pytest.fixture
def chat(host, run):
    return host.open(run)


def both(run):
    folder = str(run.path)
    return {"left": Asked(Voice.of_run(folder, BASE), HI), "right": Asked(Voice.of_run(folder), HI)}


def test_both_speak_at_the_same_time_in_pieces_that_add_up(host, run):
    every = list(host.ask(both(run), Settings(max_new_tokens=300)))
    assert len(every) >= 3
    texts = every[-1].texts
    assert texts["left"] != texts["right"]
    for pane, text in texts.items():
        pieces = [piece for told in every for piece in told.pieces.get(pane, ())]
        assert "".join(piece.text for piece in pieces) == text
        measure = every[-1].measures[pane]
        assert len(pieces) == measure.tokens
        assert (measure.tokens == 300) == (measure.ended == "length")
        assert measure.prompt_tokens == 1 + len("user\nHi.") + 2 + len("assistant\n")
        assert 0 < measure.first < measure.seconds
        assert all(0 < piece.p <= 1 and len(piece.others) == 10 for piece in pieces)
    halfway = [told.texts for told in every[:-1] if all(told.texts.values())]
    assert halfway
    assert all(len(halfway[0][pane]) < len(texts[pane]) for pane in texts)


def test_one_speaker_says_what_both_would(chat):
    both = last(chat.stream(HI, settings=BRIEF))
    assert last(chat.stream(HI, ["base"], BRIEF)) == {"base": both["base"]}
    assert last(chat.stream(HI, ["tuned"], BRIEF)) == {"tuned": both["tuned"]}


def test_a_base_by_itself_says_what_it_says_in_a_run(host, base, chat):
    before = last(host.open_base(str(base)).stream(HI, ["base"], BRIEF))
    assert before["base"]
    in_run = last(chat.stream(HI, settings=BRIEF))
    assert before["base"] == in_run["base"] != in_run["tuned"]
    assert last(host.open_base(str(base)).stream(HI, ["base"], BRIEF)) == before
    assert last(chat.stream(HI, ["tuned"], BRIEF)) == {"tuned": in_run["tuned"]}


def test_each_speaker_has_its_own_history(chat):
    longer = [*HI, {"role": "assistant", "content": "Hello, who is there?"}, {"role": "user", "content": "Me."}]
    answer = last(chat.stream({"base": HI, "tuned": longer}, settings=BRIEF))
    assert answer["base"] == last(chat.stream(HI, ["base"], BRIEF))["base"]
    assert answer["tuned"] == last(chat.stream(longer, ["tuned"], BRIEF))["tuned"]
    assert answer["tuned"] != last(chat.stream(HI, ["tuned"], BRIEF))["tuned"]


def test_the_same_seed_repeats_the_answer(chat):
    lively = Settings(temperature=0.9, max_new_tokens=40, seed=1)
    first = last(chat.stream(HI, settings=lively))
    assert last(chat.stream(HI, settings=lively)) == first
    assert last(chat.stream(HI, settings=lively.model_copy(update={"seed": 2}))) != first


def test_stop_ends_the_answer_within_tokens(chat, host):
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    began = time.monotonic()
    chat.stop()
    rest = list(answer)
    assert time.monotonic() - began < 1.0
    assert 0 < len(rest[-1]["base"]) < 1500
    assert last(chat.stream(HI, settings=BRIEF))["base"]


def test_users_get_on_at_the_same_time(host, run, quantized_run):
    """Nobody waits for another's whole answer, whichever adapter they ask."""
    host.load([Voice.of_run(str(each.path)) for each in (run, quantized_run)])
    tokens, told = {}, []

    def ask(user):
        of = str((run, quantized_run)[user == 3].path)
        for each in host.ask({"a": Asked(Voice.of_run(of), HI)}, Settings(max_new_tokens=150), f"user {user}"):
            tokens[user] = tokens.get(user, 0) + len(each.pieces.get("a", ()))
            told.append((user, dict(tokens)))

    threads = [threading.Thread(target=ask, args=[user]) for user in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    first_end = next(seen for _, seen in told if max(seen.values()) == 150)
    assert len(first_end) == USERS, "all have begun before the first one ends"
    assert min(first_end.values()) > 50, "and are well on their way"


def test_others_wait_where_the_room_is_full_and_may_leave(host, run):
    answers = [host.ask(both(run), ENDLESS, f"user {user}") for user in range(USERS)]
    for answer in answers:
        next(answer)
    notes, outcomes = [], {}

    def ask(who):
        outcomes[who] = list(host.ask(both(run), BRIEF, who, notes.append))

    threads = [threading.Thread(target=ask, args=[who]) for who in ("fifth", "sixth")]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(notes) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert set(notes) == {"Waiting for what was asked before ..."}
    host.stop("sixth")
    threads[1].join(5)
    assert outcomes == {"sixth": []}
    for answer in answers:
        answer.close()
    threads[0].join(10)
    assert outcomes["fifth"][-1].texts["left"]


def test_notes_say_what_is_done(host, quantized_run, run):
    notes = []
    host.open(quantized_run).load(notes.append)
    assert all(note.startswith("Loading") for note in notes)
    again: list[str] = []
    host.open(quantized_run).load(again.append)
    assert again == []
    answer = last(host.open(quantized_run).stream(HI, settings=BRIEF))
    assert answer["base"] != answer["tuned"]


def test_a_prompt_that_leaves_little_room(chat):
    notes = []
    message = [{"role": "user", "content": "x" * 2000}]
    list(chat.stream(message, settings=ENDLESS, notify=notes.append))
    assert notes == ["Answers end after 30 tokens: the conversation takes 2,018 of 2,048."]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "user", "content": "x" * 3000}], "takes 3,018 tokens, but this model's context holds 2,048"),
        ([{"role": "user", "content": "  "}], "prompt is empty"),
    ],
)
def test_a_question_that_cannot_be_answered(chat, messages, words):
    with pytest.raises(StudioError, match=words):
        list(chat.stream(messages))


def test_half_a_surrogate_pair_is_no_crash(chat):
    assert last(chat.stream([{"role": "user", "content": "fox \ud83e"}], settings=BRIEF))

"""The chat host as the page uses it: a real child process with a real (tiny) model."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from studio.answer.chat import ChatHost
from studio.answer.settings import Settings
from studio.errors import StudioError

HI = [{"role": "user", "content": "Hi."}]
BRIEF = Settings(max_new_tokens=40)
ENDLESS = Settings(max_new_tokens=1900)  # some seconds, if nobody stops it

SEPARATE_PAGE = """
import sys
from pathlib import Path
from studio.answer.chat import ChatHost
from studio.answer.settings import Settings
from studio.run.directory import Run

host = ChatHost()
chat = host.open(Run(Path(sys.argv[1])))
answer = chat.stream([{"role": "user", "content": "Hi."}], settings=Settings(max_new_tokens=1900))
next(answer)
heavy = [name for name in ("torch", "transformers", "peft", "trl") if name in sys.modules]
print(host.pid(), heavy, flush=True)
sys.stdin.read()
"""


def last(answer):
    return list(answer)[-1]


@pytest.fixture
def chat(host, run):
    return host.open(run)


def test_both_speak_at_the_same_time(chat):
    looks = list(chat.stream(HI, settings=Settings(max_new_tokens=300)))
    assert len(looks) >= 3
    assert looks[-1]["base"] != looks[-1]["tuned"]
    both = [look for look in looks[:-1] if look["base"] and look["tuned"]]
    assert both
    assert len(both[0]["base"]) < len(looks[-1]["base"])
    assert len(both[0]["tuned"]) < len(looks[-1]["tuned"])


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


def test_stop_from_another_thread_ends_the_answer(chat):
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    began = time.monotonic()
    threading.Timer(0.1, chat.stop).start()
    rest = list(answer)
    assert time.monotonic() - began < 1.0
    assert 0 < len(rest[-1]["base"]) < 1500
    assert last(chat.stream(HI, settings=BRIEF))["base"]


def test_closing_the_iterator_frees_the_host(chat):
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    began = time.monotonic()
    answer.close()
    assert last(chat.stream(HI, settings=BRIEF))["base"]
    assert time.monotonic() - began < 1.0


def test_others_wait_their_turn_and_may_leave(host, run, chat):
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    second, third = host.open(run, "second"), host.open(run, "third")
    notes, outcomes = [], {}

    def ask(who, chat):
        outcomes[who] = list(chat.stream(HI, settings=BRIEF, notify=notes.append))

    threads = [threading.Thread(target=ask, args=pair) for pair in (("second", second), ("third", third))]
    for thread in threads:
        thread.start()
    while len(host._line._tickets) < 3:
        time.sleep(0.01)
    third.stop()
    threads[1].join(2)
    assert outcomes == {"third": []}
    answer.close()
    threads[0].join(5)
    assert outcomes["second"][-1]["base"]
    assert "Waiting for another answer to end ..." in notes


def test_notes_say_what_is_done(host, quantized_run, run):
    notes = []
    host.open(quantized_run).load(notes.append)
    assert [note.split(" of ")[0] for note in notes][1:] == ["Loading the adapter"]
    host.open(quantized_run).load(notes.append)
    assert len(notes) == 2
    answer = last(host.open(quantized_run).stream(HI, settings=BRIEF))
    assert answer["base"] != answer["tuned"]
    host.open(run).load()


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


def test_a_killed_child_is_told_and_replaced(host, chat):
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    killed = host.pid()
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(StudioError, match=r"was killed.*memory.*Send the prompt again"):
        list(answer)
    assert host.pid() is None
    assert last(chat.stream(HI, settings=BRIEF))["base"]
    assert host.pid() not in (None, killed)


def test_page_has_no_torch_and_its_end_ends_the_child(run):
    page = subprocess.Popen(
        [sys.executable, "-c", SEPARATE_PAGE, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, heavy = page.stdout.readline().split(maxsplit=1)
    assert json.loads(heavy) == []
    child = psutil.Process(int(pid))
    page.kill()
    page.wait()
    page.stdin.close()
    page.stdout.close()
    child.wait(5)


def test_close_tells_who_is_being_answered(host, chat):
    """Last in this file: the next question would start another child."""
    answer = chat.stream(HI, settings=ENDLESS)
    next(answer)
    host.close("A run needs the memory.")
    with pytest.raises(StudioError, match="A run needs the memory"):
        list(answer)
    assert host.pid() is None


def test_a_host_that_cannot_start(run, tmp_path, monkeypatch):
    monkeypatch.setattr("studio.answer.child.COMMAND", ("-c", "raise SystemExit(3)"))
    host = ChatHost(tmp_path / "log")
    with pytest.raises(StudioError, match=r"ended unexpectedly \(status 3\)"):
        list(host.open(run).stream(HI))

"""The page's end of the chat host, with a host that has no model."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from studio.answer import chat as chats
from studio.answer.chat import Asked, ChatHost
from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.errors import StudioError

ECHO = str(Path(__file__).with_name("echo_host.py"))
SEPARATE_PAGE = """
import sys
import studio.answer.child
from studio.answer.chat import Asked, ChatHost
from studio.answer.voice import Voice

studio.answer.child.COMMAND = [sys.argv[1]]
host = ChatHost()
answer = host.ask({"a": Asked(Voice.of_model("m"), [{"role": "user", "content": "endless"}])})
next(answer)
heavy = [name for name in ("torch", "transformers", "peft", "trl") if name in sys.modules]
print(host.pid(), heavy, flush=True)
sys.stdin.read()
"""


def asked(prompt, *panes):
    return {pane: Asked(Voice.of_model("m"), [{"role": "user", "content": prompt}]) for pane in panes or "a"}


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def make_host(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.answer.child.COMMAND", [ECHO])
    made = []

    def make(**more):
        made.append(ChatHost(tmp_path / "chat.log", **more))
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture
def host(make_host):
    return make_host()


def test_what_is_told_adds_up(host):
    every = list(host.ask(asked("echo", "a", "b"), Settings(seed=7), "me"))
    for pane in ("a", "b"):
        said = ""
        for told in every[:-1]:
            said += "".join(piece.text for piece in told.pieces.get(pane, ()))
            assert told.texts[pane] == said
        assert every[-1].texts[pane] == said
        assert '"seed":7' in said.replace(" ", "")
        assert every[-1].measures[pane].ended == "end"
    assert every[0].pieces["a"][0].others == [("other", 0.25)]
    assert all(not told.measures for told in every[:-1])


def test_text_that_changes_begins_anew(host):
    every = list(host.ask(asked("anew")))
    assert [told.texts["a"] for told in every][-2:] == ["3 ", "3 "]
    assert every[-2].anew == {"a"}


def test_the_old_view_yields_texts(host):
    *_, last = host.open_base("m").stream([{"role": "user", "content": "echo"}], ["base"])
    assert '"model_id":"m"' in last["base"].replace(" ", "")


def test_half_a_surrogate_pair_is_no_crash(host):
    answer = host.ask(asked("fox \ud83e"))
    next(answer)
    answer.close()


def test_stop_from_another_thread_ends_the_answer(host):
    answer = host.ask(asked("endless"), asker="me")
    next(answer)
    began = time.monotonic()
    threading.Timer(0.05, host.stop, ["me"]).start()
    *_, last = answer
    assert time.monotonic() - began < chats.PARTING
    assert last.measures["a"].ended == "stopped"
    assert not host.busy()


def test_stop_is_the_askers_own(host):
    mine, others = host.ask(asked("endless"), asker="me"), host.ask(asked("endless"), asker="other")
    next(mine), next(others)
    host.stop("other")
    assert list(others)[-1].measures
    before = next(mine).texts["a"]
    assert len(next(mine).texts["a"]) > len(before)
    mine.close()


def test_closing_the_iterator_stops_the_answer(host):
    answer = host.ask(asked("endless"))
    next(answer)
    answer.close()
    assert not host.busy()
    wait_for(lambda: not any(thread.name.startswith("see out") for thread in threading.enumerate()))
    assert list(host.ask(asked("echo")))


def test_many_are_answered_at_the_same_time(host):
    answers = [host.ask(asked("endless", str(n)), asker=str(n)) for n in range(5)]
    for _ in range(3):
        for number, answer in enumerate(answers):
            assert set(next(answer).texts) == {str(number)}
    for answer in answers:
        answer.close()


def test_a_question_that_cannot_be_answered(host):
    with pytest.raises(StudioError) as raised:
        list(host.ask(asked("fail")))
    assert raised.value.problems == ("That cannot be.", "Neither can this.")
    assert list(host.ask(asked("echo")))


def test_a_killed_child_is_told_and_replaced(host):
    answer = host.ask(asked("endless"))
    next(answer)
    killed = host.pid()
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(StudioError, match=r"was killed.*memory.*Send the prompt again"):
        list(answer)
    assert host.pid() is None
    assert list(host.ask(asked("echo")))
    assert host.pid() not in (None, killed)


def test_a_child_that_ends_says_where_to_look(host):
    with pytest.raises(StudioError, match=r"ended unexpectedly \(status 3\).*chat\.log"):
        list(host.ask(asked("die")))


def test_a_stuck_child_is_shown_and_stop_ends_it(host, monkeypatch):
    monkeypatch.setattr("studio.answer.patience.SHORTEST", 0.3)
    monkeypatch.setattr(chats, "LOOK", 0.05)
    monkeypatch.setattr(chats, "PARTING", 0.2)
    notes, stuck = [], host.ask(asked("stuck"), asker="me", notify=lambda note: notes.append(note))
    next(stuck)
    killed = psutil.Process(host.pid())
    rest = threading.Thread(target=lambda: list(stuck))
    rest.start()
    wait_for(lambda: notes)
    assert "much longer than usual" in notes[0]
    failed = []

    def ask_too():
        try:
            list(host.ask(asked("stuck"), asker="other"))
        except StudioError as error:
            failed.append(str(error))

    other = threading.Thread(target=ask_too)
    other.start()
    wait_for(lambda: len(host._asked) == 2)
    host.stop("me")
    rest.join(2)
    assert not rest.is_alive(), "who stopped does not wait for the child's end"
    other.join(5)
    assert failed == [chats.STUCK], "the others are told"
    wait_for(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE)
    assert len(notes) == 1
    assert list(host.ask(asked("echo")))


def test_close_tells_who_is_being_answered(host):
    answer = host.ask(asked("endless"))
    next(answer)
    host.close("A run needs the memory.")
    with pytest.raises(StudioError, match="A run needs the memory"):
        list(answer)
    assert host.pid() is None


def test_an_idle_child_is_let_go_if_asked(make_host):
    host = make_host(idle=0.3)
    answer = host.ask(asked("endless"))
    next(answer)
    time.sleep(0.5)
    assert host.pid(), "a question keeps it"
    answer.close()
    wait_for(lambda: host.pid() is None)
    assert list(host.ask(asked("echo")))
    host.close()
    host.warm()
    wait_for(lambda: host.pid() is None)


def test_page_has_no_torch_and_its_end_ends_the_child():
    page = subprocess.Popen(
        [sys.executable, "-c", SEPARATE_PAGE, ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid, heavy = page.stdout.readline().split(maxsplit=1)
    assert heavy == "[]\n"
    child = psutil.Process(int(pid))
    page.kill()
    page.wait()
    page.stdin.close()
    page.stdout.close()
    child.wait(5)


def test_a_host_that_cannot_start(host, monkeypatch):
    monkeypatch.setattr("studio.answer.child.COMMAND", ("-c", "raise SystemExit(3)"))
    with pytest.raises(StudioError, match=r"ended unexpectedly \(status 3\)"):
        list(host.ask(asked("echo")))

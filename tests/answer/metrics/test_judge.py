"""The judge against a local server that speaks as OpenAI-compatible endpoints do."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from studio.answer.evaluation.request import Judge
from studio.answer.metrics.judge import TRIES, mark_in, marked, problems
from studio.errors import StudioError
from tests.answer.metrics.rows import rows_of

SECRET = "sk-not-to-be-seen"


class Endpoint(ThreadingHTTPServer):
    """Gives 8 of 10 for answers that hold "right", else 2; first the `failures`, each once."""

    daemon_threads = True

    def __init__(self, *failures):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures, self.asked, self.keys = list(failures), [], []
        self.said = "It is so. [[{}]]"
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def judge(self):
        return Judge(url=f"http://127.0.0.1:{self.server_port}/v1/", model="a-judge")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, body))
            self.server.keys.append(self.headers["Authorization"])
            failure = self.server.failures.pop(0) if self.server.failures else 200
        answer = body["messages"][-1]["content"].partition("<answer>")[2]
        said = self.server.said.format(8 if "right" in answer else 2)
        reply = json.dumps(
            {"choices": [{"message": {"content": said}}]} if failure == 200 else {"key": SECRET}
        ).encode()
        self.send_response(failure)
        self.send_header("Content-Length", str(len(reply)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    opened = []

    def serve(*failures):
        opened.append(Endpoint(*failures))
        return opened[-1]

    yield serve
    for each in opened:
        each.shutdown()
        each.server_close()


def rows(number=2):
    return rows_of(["a reference"] * number, ["wrong"] * number, ["right"] * number)


def test_every_answer_is_marked_between_0_and_1(endpoint, monkeypatch):
    monkeypatch.delenv("STUDIO_JUDGE_KEY", raising=False)
    server = endpoint()
    assert [row.marks for row in marked(rows(5), server.judge)] == [{"base": 0.2, "tuned": 0.8}] * 5
    path, body = next(each for each in server.asked if "question 0" in each[1]["messages"][0]["content"])
    assert (path, body["model"], body["temperature"]) == ("/v1/chat/completions", "a-judge", 0)
    assert "a reference" in body["messages"][0]["content"]
    assert set(server.keys) == {None}


def test_only_what_has_no_mark_is_asked_again(endpoint):
    server = endpoint()
    first, second = rows()
    done = [
        first.model_copy(update={"marks": {"base": 0.5, "tuned": 0.5}}),
        second.model_copy(update={"marks": {"base": 1}}),
    ]
    assert [row.marks for row in marked(done, server.judge)] == [{"base": 0.5, "tuned": 0.5}, {"base": 1, "tuned": 0.8}]
    assert len(server.asked) == 1


def test_it_asks_again_and_waits_as_long_as_it_is_asked_to(endpoint):
    server, waited = endpoint(503, 429), []
    (row,) = marked(rows(1), server.judge, wait=waited.append)
    assert row.marks == {"base": 0.2, "tuned": 0.8}
    assert waited == [7.0, 14.0]


def test_it_gives_up_with_words(endpoint):
    server, waited = endpoint(*[500] * 50), []
    with pytest.raises(StudioError, match=rf"status 500, {TRIES} times.*marks that are there are kept"):
        list(marked(rows(1), server.judge, wait=waited.append))
    assert len(server.asked) == TRIES
    with pytest.raises(StudioError, match="could not be asked: there was no answer"):
        list(marked(rows(1), Judge(url="http://127.0.0.1:9", model="m"), wait=waited.append))


def test_the_key_comes_from_the_environment_and_is_nowhere_else(endpoint, monkeypatch, caplog, capfd):
    monkeypatch.setenv("STUDIO_JUDGE_KEY", SECRET)
    server = endpoint(200, 200, 401)
    caplog.set_level("DEBUG")
    first, second = rows()
    (row,) = marked([first], server.judge)
    assert set(server.keys) == {f"Bearer {SECRET}"}
    with pytest.raises(StudioError) as caught:
        list(marked([second], server.judge))
    assert "status 401. Put its key into the environment variable STUDIO_JUDGE_KEY" in str(caught.value)
    printed = capfd.readouterr()
    for text in (row.model_dump_json(), server.judge.model_dump_json(), str(caught.value), caplog.text, *printed):
        assert SECRET not in text


def test_what_is_no_mark_is_none_and_time_is_limited(endpoint):
    server = endpoint()
    server.said = "I would rather not say."
    assert [row.marks for row in marked(rows(1), server.judge)] == [{}]
    assert [row.marks for row in marked(rows(3), server.judge, seconds=0)] == [{}] * 3


@pytest.mark.parametrize(
    ("said", "mark"), [("[[7]]", 0.7), ("[[2]] no, [[10]]", 1.0), ("[[ 2.5 ]]", 0.25), ("[[11]]", None), ("7", None)]
)
def test_marks_are_read(said, mark):
    assert mark_in(said) == mark


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"url": "ftp://x"}, "must begin with http"),
        ({"url": "http://[x"}, "is no address"),
        ({"url": "https://me:pass@x/v1"}, "holds a password"),
        ({"url": "http://judge.example/v1"}, "would go to judge.example unencrypted"),
        ({"model": " "}, "has no model"),
        ({"key_from": "HOME"}, "Use STUDIO_JUDGE_KEY"),
    ],
)
def test_a_judge_that_cannot_be_is_told_why(monkeypatch, asked, said):
    monkeypatch.setenv("STUDIO_JUDGE_KEY", SECRET)
    (problem,) = problems(Judge(**{"url": "https://judge.example/v1", "model": "m"} | asked))
    assert said in problem
    assert SECRET not in problem
    assert problems(Judge(url="https://judge.example/v1", model="m")) == []

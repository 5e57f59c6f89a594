"""The desk as the page uses it: real children, one that reads, one that studies, one that shows rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from studio.data.part import Chunks, DataPart
from studio.data.tokens.encode import encode
from studio.errors import StudioError
from studio.home import CHECKOUT, Home
from studio.run import submit as submit_module
from studio.run.study import desk as desk_module
from studio.run.study import store as store_module
from studio.run.study.desk import Desk, StudyState
from studio.run.submit import prepare_part

MODEL = "starter"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages[0].content }}"


@pytest.fixture(scope="module")
def module_home(tmp_path_factory) -> Home:
    from studio.home import open_home

    return open_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def desk(module_home) -> Iterator[Desk]:
    desk = Desk(module_home, module_home.root / "study.log")
    yield desk
    desk.close()


@pytest.fixture
def large(monkeypatch):
    """Every file is one that takes long."""
    monkeypatch.setattr(desk_module, "takes_long", lambda _: True)
    monkeypatch.setattr(store_module, "LARGE_ROWS", 0)


def rows_file(folder: Path, rows: int = 60, name: str = "rows.csv") -> Path:
    path = folder / name
    lines = [f"What is {n} plus {n}?,It is {2 * n}. {'Indeed. ' * (n % 9)}" for n in range(rows)]
    path.write_text("\n".join(["prompt,completion", *lines]) + "\n", "utf-8")
    return path


def large_file(folder: Path, rows: int = 25_000) -> Path:
    """So many rows that they are kept."""
    return rows_file(folder, rows, "large.csv")


def studied(desk: Desk, part: DataPart, model: str = MODEL, max_length: int = 64, seconds: float = 120) -> StudyState:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = desk.study(part, model, max_length)
        if state.over:
            return state
        time.sleep(0.1)
    raise AssertionError(f"not done in {seconds} s: {state}")


def test_a_first_page_is_there_at_once_and_no_child_is_needed(module_home, tmp_path):
    desk = Desk(module_home)
    table = desk.peek(DataPart(path=str(rows_file(tmp_path, 5000))))
    assert table.columns == ("prompt", "completion")
    assert 0 < len(table) <= 200
    assert desk.pids() == []


def test_a_small_file_is_prepared_here(module_home, tmp_path):
    desk = Desk(module_home)
    part = DataPart(path=str(rows_file(tmp_path)))
    known = desk.known(part)
    assert known is not None
    assert desk.prepare(part) is known
    assert desk.pids() == []


def test_many_who_ask_at_once_have_a_small_file_prepared_once(module_home, tmp_path, monkeypatch):
    counted, prepare = [], submit_module.prepare

    def slowly(*rest, **named):
        counted.append(1)
        time.sleep(0.2)
        return prepare(*rest, **named)

    monkeypatch.setattr(submit_module, "prepare", slowly)
    desk, part = Desk(module_home), DataPart(path=str(rows_file(tmp_path)))
    with ThreadPoolExecutor(5) as askers:
        assert len({id(known) for known in askers.map(desk.known, [part] * 5)}) == 1
    assert counted == [1]


def test_what_is_wrong_with_a_file_is_raised(desk, tmp_path):
    for ask in (desk.peek, desk.known, desk.prepare):
        with pytest.raises(StudioError, match=r"none\.csv"):
            ask(DataPart(path=str(tmp_path / "none.csv")))


def test_a_large_file_is_read_by_the_child_alone(desk, tmp_path, monkeypatch):
    part = DataPart(path=str(large_file(tmp_path)))
    monkeypatch.setattr(desk_module, "takes_long", lambda _: True)
    assert desk.known(part) is None
    assert desk.study(part, MODEL, 64).over is False
    with pytest.raises(StudioError, match="still being read"):
        desk.look(part, MODEL, 64, "first")
    monkeypatch.setattr(submit_module, "prepare", lambda *_: pytest.fail("read in the page"))
    prepared = desk.prepare(part)
    assert len(prepared.examples) == 25_000
    assert desk.known(part) is prepared
    assert prepare_part(part, desk._home) is prepared
    assert Desk(desk._home).known(part).train == prepared.train


def test_a_large_file_that_is_wrong_is_said_by_who_waits_and_by_who_asks(desk, tmp_path, large):
    path = tmp_path / "odd.csv"
    path.write_text("a,b\n" * 3)
    part = DataPart(path=str(path))
    assert desk.known(part) is None
    for _ in range(2):
        with pytest.raises(StudioError, match="column"):
            desk.prepare(part)
    with pytest.raises(StudioError, match="column"):
        desk.known(part)


def test_a_study_tells_how_the_model_sees_the_rows_and_the_run_finds_its_tokens(desk, tmp_path):
    part = DataPart(path=str(rows_file(tmp_path)))
    study = studied(desk, part, max_length=40).study
    prepared = prepare_part(part)
    from studio.home import STARTER
    from studio.run.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(STARTER)[0]
    encoded = encode(prepared.train, tokenizer, 40)
    whole = encode(prepared.train, tokenizer)
    assert (study.rows, study.cut_rows, study.dropped_rows) == (len(encoded), len(encoded.cut), len(encoded.dropped))
    assert study.cut_rows > 0
    assert study.tokens == sum(map(len, whole.input_ids))
    assert study.seen_tokens == sum(map(len, encoded.input_ids))
    assert study.trained_tokens == sum(label != -100 for labels in encoded.labels for label in labels)
    assert study.longest == max(map(len, whole.input_ids))
    assert [each.rows for each in study.findings if each.kind == "cut"] == [encoded.cut]
    assert study.template_notes == []
    shorter = desk.study(part, MODEL, 30)
    assert shorter.over, "the same tokens tell it at once"
    assert shorter.study.cut_rows > study.cut_rows
    other = encode(prepared.train, tokenizer, 30)
    assert shorter.study.trained_tokens == sum(label != -100 for labels in other.labels for label in labels)


def test_a_study_is_begun_once_for_all_who_ask(desk, tmp_path, monkeypatch):
    part = DataPart(path=str(rows_file(tmp_path, 61)))
    asked = []
    ask = desk._studying.ask
    monkeypatch.setattr(desk._studying, "ask", lambda *rest: asked.append(1) or ask(*rest))
    for _ in range(3):
        desk.study(part, MODEL, 64)
    assert studied(desk, part).study == studied(desk, part).study
    assert asked == [1]


def test_chunks_of_plain_text_are_told_of(desk, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(f"Paragraph {n} says something. " * 5 for n in range(30)), "utf-8")
    part = DataPart(path=str(path), chunks=Chunks(by="tokens", length=32))
    study = studied(desk, part).study
    assert study.chunks.chunks == study.rows == -(-study.tokens // 32)
    assert study.chunks.length == 32
    assert 0 <= study.chunks.waste_share < 0.1


def test_a_base_model_that_is_not_there_is_said(desk, tmp_path):
    state = studied(desk, DataPart(path=str(rows_file(tmp_path))), model=str(tmp_path / "no-model"))
    assert "no such folder" in state.error or "There is no" in state.error


@pytest.mark.parametrize(
    ("which", "row"), [("first", 1), ("longest", None), ("shortest", None), (7, 7), ("7", 7), ("what is 12 PLUS", 13)]
)
def test_the_row_that_is_meant_is_looked_at(desk, tmp_path, which, row):
    part = DataPart(path=str(rows_file(tmp_path)), held_out_share=0)
    look = desk.look(part, MODEL, 64, which)
    assert "".join(token.text for token in look.tokens) == look.rendered
    examples = prepare_part(part).examples
    said = {example.row: len(example.prompt + example.completion) for example in examples}
    if which in ("longest", "shortest"):
        assert said[look.row] == (max if which == "longest" else min)(said.values())
    else:
        assert look.row == row


def test_a_row_that_is_held_out_or_left_out_says_so_and_one_that_is_not_there_is_said(desk, tmp_path):
    path = rows_file(tmp_path)
    path.write_text(path.read_text() + "what?,\n")
    part = DataPart(path=str(path))
    prepared = prepare_part(part)
    held_out = prepared.held_out[0].row
    assert "held out" in desk.look(part, MODEL, 64, held_out).notes[0]
    assert "left out" in desk.look(part, MODEL, 64, 61).notes[0]
    with pytest.raises(StudioError, match="No row says 'unheard'"):
        desk.look(part, MODEL, 64, "unheard")


def template_model(folder: Path, template: str) -> Path:
    """A folder that passes for a base model, with a template of its own."""
    import shutil

    from studio.home import STARTER

    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(STARTER / name, folder)
    (folder / "chat_template.jinja").write_text(template)
    return folder


@pytest.mark.slow  # waits for a child to be given up
def test_a_template_that_loops_for_ever_is_ended_and_the_next_look_is_fine(module_home, tmp_path, monkeypatch):
    monkeypatch.setattr(desk_module, "LOOK_PATIENCE", 2.0)
    model = template_model(tmp_path / "endless", ENDLESS)
    part = DataPart(path=str(rows_file(tmp_path)))
    desk = Desk(module_home)
    try:
        with pytest.raises(StudioError, match="said nothing for 2 seconds"):
            desk.look(part, str(model), 64, "first")
        monkeypatch.undo()
        assert desk.look(part, MODEL, 64, "first").row == 1
    finally:
        desk.close()


def test_a_template_that_swells_meets_its_bound(module_home, tmp_path):
    swelling = "{{ 'A' * (messages | length * 5000000000) }}"
    model = template_model(tmp_path / "swelling", swelling)
    desk = Desk(module_home)
    try:
        with pytest.raises(StudioError, match="memory"):
            desk.look(DataPart(path=str(rows_file(tmp_path))), str(model), 64, "first")
    finally:
        desk.close()


@pytest.mark.slow  # eight seconds of children
def test_cancel_ends_a_study_and_asked_again_it_begins_anew(module_home, tmp_path):
    desk = Desk(module_home)
    try:
        part = DataPart(path=str(rows_file(tmp_path, 300)))
        while not desk.pids():
            desk.study(part, MODEL, 64)
            time.sleep(0.02)
        (pid,) = desk.pids()
        desk.cancel(part)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
        assert not psutil.pid_exists(pid)
        assert studied(desk, part).study.rows > 0
    finally:
        desk.close()


@pytest.mark.slow  # eight seconds of children
def test_a_study_that_nobody_asks_about_gives_way_to_one_that_waits(module_home, tmp_path, monkeypatch):
    monkeypatch.setattr("studio.run.study.jobs.FORSAKEN", 0.5)
    endless = template_model(tmp_path / "model", ENDLESS)
    desk = Desk(module_home)
    try:
        part = DataPart(path=str(rows_file(tmp_path)))
        desk.study(part, str(endless), 64)
        state = studied(desk, part.model_copy(update={"split_seed": 3}), seconds=60)
        assert state.study is not None
    finally:
        desk.close()


@pytest.mark.slow  # half a minute of imports; F5 has it for runs
def test_children_die_with_the_page(module_home, tmp_path):
    code = (
        "import sys, time; from studio.home import open_home; from studio.run.study.desk import Desk\n"
        "from studio.data.part import DataPart\n"
        "desk = Desk(open_home(sys.argv[1])); part = DataPart(path=sys.argv[2])\n"
        "desk.look(part, 'starter', 64, 'first')\n"
        "while len(desk.pids()) < 2: desk.study(part, 'starter', 64); time.sleep(0.02)\n"
        "print(*desk.pids(), {'torch', 'transformers'} & set(sys.modules), flush=True); time.sleep(60)"
    )
    page = subprocess.Popen(
        [sys.executable, "-c", code, str(module_home.root), str(rows_file(tmp_path, 3000))],
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    *pids, heavy = page.stdout.readline().split(" ", 2)
    assert heavy.strip() == "set()"
    children = [psutil.Process(int(pid)) for pid in pids]
    page.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []

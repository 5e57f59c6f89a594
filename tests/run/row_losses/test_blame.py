"""Which rows look wrong, are never learned, or known by heart; and at which steps the loss jumped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.run.directory import Run
from studio.run.events import Metrics, Resumed
from studio.run.row_losses.blame import blame, by_heart, held_out_loss, never_learned, spikes, suspicious
from studio.run.row_losses.read import RowLosses, read_row_losses, rows_at
from studio.run.row_losses.record import RECORD, append, copy_until, cut_after, path_of, records

ROWS, PASSES, BATCH = 60, 4, 6
WRONG = (7, 21, 40)
FALL = (3.0, 0.6, 0.5, 0.4)  # the usual loss of each pass
OF_WRONG = (3.2, 1.2, 1.0, 0.4)  # learned by heart in the end


def made(loss: Callable[[int, int], float]) -> np.ndarray:
    """The records of a run; `loss(place, pass)` is that of a row."""
    chance, step, found = np.random.default_rng(1), 0, []
    for turn in range(PASSES):
        order = chance.permutation(ROWS)
        for start in range(0, ROWS, BATCH):
            step += 1
            found += [(step, place, 5, loss(int(place), turn)) for place in order[start : start + BATCH]]
    return np.array(found, RECORD)


def usual(place: int, turn: int) -> float:
    return FALL[turn] + 0.05 * np.sin(place)


def poisoned(place: int, turn: int) -> float:
    return OF_WRONG[turn] if place in WRONG else usual(place, turn)


def test_rows_that_are_learned_late_look_wrong_though_they_are_known_in_the_end():
    kept = RowLosses(made(poisoned))
    found = suspicious(kept, [f"answer {n}" for n in range(ROWS)])
    assert {each.place for each in found[:3]} == set(WRONG)
    assert found[0].score > 5 * abs(found[3].score)
    assert len(found) == ROWS


def test_rows_of_a_class_that_is_rare_and_hard_do_not_look_wrong():
    rare = set(range(10, 20))

    def loss(place: int, turn: int) -> float:
        return poisoned(place, turn) + (1.5 if place in rare else 0.0)

    answers = ["rare" if place in rare else "frequent" for place in range(ROWS)]
    kept = RowLosses(made(loss))
    assert {each.place for each in suspicious(kept, answers)[:3]} == set(WRONG)
    assert {each.place for each in suspicious(kept)[:3]} <= rare, "else they do"
    mixed = ["more.csv" if place in rare else "" for place in range(ROWS)]
    found = suspicious(kept, sources=mixed)
    assert {each.place for each in found[:3]} == set(WRONG), "nor do those of a hard set"
    assert not rare & {each.place for each in found}, "which is not blamed at all"


def test_of_a_single_pass_each_loss_is_measured_by_those_of_its_time():
    """At the beginning all losses are high."""
    every = np.zeros(600, RECORD)
    every["step"] = np.arange(600) // BATCH + 1
    every["place"], every["tokens"] = np.arange(600), 5
    every["loss"] = np.linspace(6, 1, 600) + np.isin(np.arange(600), [300, 555])
    found = suspicious(RowLosses(every))
    assert {each.place for each in found[:2]} == {300, 555}


def test_rows_that_are_never_learned():
    kept = RowLosses(made(lambda place, turn: 3.0 if place == 9 else poisoned(place, turn)))
    assert [each.place for each in never_learned(kept)] == [9]
    assert not never_learned(RowLosses(made(usual)[:ROWS])), "one pass says nothing of it"


def test_rows_known_by_heart_are_measured_by_the_held_out_ones():
    kept = RowLosses(made(lambda place, turn: 0.01 if place < 4 and turn == 3 else usual(place, turn)))
    heart = by_heart(kept, 0.5)
    assert {each.place for each in heart.rows} == {0, 1, 2, 3}
    assert (heart.count, heart.of) == (4, ROWS)
    assert not by_heart(kept, 0.01).rows


def test_the_held_out_loss_is_the_last_that_counts():
    events = [Metrics(step=1, values={"eval_loss": 2.0}), Metrics(step=4, values={"eval_loss": 9.0}), Resumed(step=2)]
    assert held_out_loss(events) == 2.0
    assert held_out_loss(events[2:]) is None


def test_spikes_name_the_row_that_adds_most():
    every = made(lambda place, turn: 9.0 if (place, turn) == (33, 2) else 1.0)
    (found,) = spikes(RowLosses(every), 5)
    assert found.place == 33
    assert 33 in RowLosses(every).of_step(found.step)["place"]
    assert found.loss == pytest.approx((9 + 5) / 6)
    assert not spikes(RowLosses(made(usual)[: 5 * BATCH]), 5), "too few steps"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "data").mkdir()
    lines = [{"row": place + 2, "prompt": f"{place}?", "completion": f"{place}!"} for place in range(ROWS)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "data" / "train.jsonl").write_text(text, "utf-8")
    return Run(tmp_path)


def test_a_run_without_losses_says_so(run):
    assert read_row_losses(run) is None
    assert blame(run, 5) == []


def test_what_several_processes_kept_is_read_together(run):
    every = made(poisoned)
    for rank in (0, 1):
        append(path_of(run.path, rank), every[rank::2])
    (run.path / "row_losses-x.records").write_bytes(b"not ours")
    kept = read_row_losses(run)
    assert kept is not None
    assert np.array_equal(np.sort(kept.every, order=["step", "place"]), np.sort(every, order=["step", "place"]))
    assert sorted(kept.of_step(3)["place"]) == sorted(every[every["step"] == 3]["place"])
    assert {each.place for each in blame(run, 3)} == set(WRONG)
    ways = kept.ways
    assert ways.visits.tolist() == [PASSES] * ROWS
    assert ways.first[7] == pytest.approx(OF_WRONG[0])
    assert ways.last[7] == ways.best[7] == pytest.approx(OF_WRONG[-1])
    assert kept.of_rows([7])[7]["loss"].tolist() == pytest.approx(OF_WRONG)


def test_texts_are_found_by_place(run):
    found = rows_at(run, [3, 59, 60, -1])
    assert {place: (each.row, each.prompt) for place, each in found.items()} == {3: (5, "3?"), 59: (61, "59?")}


def test_a_torn_record_does_not_count_and_is_taken_back(run, tmp_path):
    path, every = path_of(run.path), made(usual)
    append(path, every)
    with path.open("ab") as file:
        file.write(b"torn")
    assert len(records(path)) == len(every)
    (tmp_path / "copy").mkdir()
    copy_until(run.path, tmp_path / "copy", 5)
    assert records(path_of(tmp_path / "copy"))["step"].max() == 5
    cut_after(path, 7)
    assert path.stat().st_size == 7 * BATCH * RECORD.itemsize
    append(path, every[-1:])
    assert records(path)["step"].tolist()[-2:] == [7, int(every["step"][-1])]

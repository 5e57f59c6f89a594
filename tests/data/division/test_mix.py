"""Further sets: how many of their rows join, which, and that none of them gives a held-out row away."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.dataset import Prepared, prepare
from studio.data.division.mix import GENERAL, general_mix
from studio.data.example import Examples
from studio.data.part import DataPart, Mix
from studio.errors import StudioError


def csv(folder: Path, name: str, *rows: str, header: str = "prompt,completion") -> str:
    (folder / name).write_text("\n".join((header, *rows)) + "\n", "utf-8")
    return str(folder / name)


def rows_of(word: str, number: int) -> list[str]:
    return [f"{word} {n},answer {n}" for n in range(number)]


def sources(rows: Examples) -> dict[str, int]:
    found = rows.column("source").to_pylist()
    return {name: found.count(name) for name in sorted(set(found))}


def mixed(folder: Path, *mixes: Mix, rows: int = 100, **more: object) -> Prepared:
    part = {"held_out_share": 0.1, "split_seed": 1} | more
    return prepare(DataPart(path=csv(folder, "main.csv", *rows_of("main", rows)), mix=mixes, **part))


@pytest.mark.parametrize(("weight", "count"), [(0.0, 0), (0.1, 9), (0.5, 45), (1.0, 90)])
def test_a_weight_is_rows_for_each_row_trained_on(tmp_path: Path, weight: float, count: int) -> None:
    more = csv(tmp_path, "more.csv", *rows_of("more", 200))
    found = mixed(tmp_path, Mix(path=more, weight=weight, held_out=False))
    assert sources(found.train) == ({"": 90, "more.csv": count} if count else {"": 90})
    assert sources(found.held_out) == {"": 10}
    drawn = [each.prompt for each in found.train if each.source]
    assert len(set(drawn)) == len(drawn), "none twice while there are enough"
    assert found.examples.has("source") is False, "the main file's rows stay as they are"


def test_a_small_set_is_passed_through_whole_before_any_row_comes_again(tmp_path: Path) -> None:
    more = csv(tmp_path, "more.csv", *rows_of("more", 20))
    found = mixed(tmp_path, Mix(path=more, weight=0.5, held_out=False))
    drawn = [each.prompt for each in found.train if each.source]
    assert sorted({drawn.count(each) for each in drawn}) == [2, 3]
    assert (len(drawn), len(set(drawn))) == (45, 20)
    assert "20 rows, 2.25 times" in found.notes[0]


def test_its_held_out_rows_are_weighed_like_its_others_and_are_not_trained_on(tmp_path: Path) -> None:
    more = csv(tmp_path, "more.csv", *rows_of("more", 200))
    found = mixed(tmp_path, Mix(path=more, weight=0.5))
    assert sources(found.held_out) == {"": 10, "more.csv": 5}
    scored = {each.prompt for each in found.held_out}
    assert scored.isdisjoint(each.prompt for each in found.train)
    assert "5 further rows of it held out" in found.notes[0]


def test_what_is_held_out_of_one_set_is_not_trained_on_by_way_of_another(tmp_path: Path) -> None:
    same = csv(tmp_path, "same.csv", *rows_of("MAIN ", 100))
    found = mixed(tmp_path, Mix(path=same, weight=1.0))
    held_out = {each.same_prompt for each in found.held_out}
    assert len(held_out) == len(found.held_out) == 10
    assert held_out.isdisjoint(each.same_prompt for each in found.train)
    assert sources(found.train) == {"": 90, "same.csv": 90}
    assert "10 rows of it left out, the same or nearly the same as a held-out row" in found.notes[0]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("pqrstuvw"), min_size=3, max_size=12), min_size=2, max_size=3),
    st.sampled_from([0.3, 1.0, 2.5]),
    st.integers(0, 9),
)
def test_no_prompt_is_on_both_sides_of_all_sets_together(tmp_path_factory, sets, weight, seed) -> None:
    folder = tmp_path_factory.mktemp("sets")
    files = [csv(folder, f"{n}.csv", *(f"{p},{i}" for i, p in enumerate(each))) for n, each in enumerate(sets)]
    mixes = tuple(Mix(path=path, weight=weight) for path in files[1:])
    found = prepare(DataPart(path=files[0], mix=mixes, held_out_share=0.3, split_seed=seed))
    assert {each.prompt for each in found.train}.isdisjoint(each.prompt for each in found.held_out)


def test_the_same_mix_is_the_same_data(tmp_path: Path) -> None:
    more = csv(tmp_path, "more.csv", *rows_of("more", 200))
    first, second = (mixed(tmp_path, Mix(path=more, weight=0.5)) for _ in range(2))
    assert (first.train, first.fingerprint) == (second.train, second.fingerprint)
    assert mixed(tmp_path, Mix(path=more, weight=0.5), split_seed=2).fingerprint != first.fingerprint
    assert mixed(tmp_path).fingerprint != first.fingerprint


def test_all_that_is_wrong_with_sets_is_said_at_once(tmp_path: Path) -> None:
    empty = csv(tmp_path, "empty.csv", ",a", ",b")
    better = csv(tmp_path, "better.csv", "hi,yes,no", "ho,yes,no", header="prompt,chosen,rejected")
    with pytest.raises(StudioError) as raised:
        mixed(tmp_path, Mix(path=empty), Mix(path=better), Mix(path=str(tmp_path / "none.csv")))
    assert len(raised.value.problems) == 3
    assert "'empty.csv' has no usable row" in raised.value.problems[0]
    assert "'better.csv' holds rows of type preference" in raised.value.problems[1]
    assert "none.csv" in raised.value.problems[2]


def test_with_a_held_out_file_sets_are_only_trained_on_and_leave_its_rows_out(tmp_path: Path) -> None:
    held = csv(tmp_path, "held.csv", "more 3,x", "other,y")
    more = csv(tmp_path, "more.csv", *rows_of("more", 10))
    found = mixed(tmp_path, Mix(path=more, weight=0.09), held_out_path=held)
    assert sources(found.held_out) == {"": 2}
    assert sorted(each.row for each in found.train if each.source) == [1, 2, 3, 5, 6, 7, 8, 9, 10]


def test_a_share_of_general_rows_is_a_share_of_all_rows(tmp_path: Path) -> None:
    mix = general_mix(0.1)
    assert (mix.path, mix.held_out) == (GENERAL, False)
    found = mixed(tmp_path, mix)
    assert sources(found.train) == {"": 90, "general.jsonl": 10}
    assert sources(found.held_out) == {"": 10}


@pytest.mark.parametrize("share", [0, -1, 0.95, float("nan")])
def test_a_share_of_general_rows_that_cannot_be(share: float) -> None:
    with pytest.raises(StudioError, match=r"above 0 and at most 0\.9"):
        general_mix(share)

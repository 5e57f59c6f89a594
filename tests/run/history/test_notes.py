from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.run.history.notes import LONGEST_NAME, MOST_TAGS, Notes, change_notes, read_notes
from tests.prepared_runs import prepare_run


def test_what_is_said_of_a_run_is_kept_field_by_field(home):
    run = prepare_run(home, "amber-fox")
    assert read_notes(run) == Notes()
    change_notes(run, {"name": "  The  first\none ", "tags": ["keep", " keep", "", "old base"]})
    change_notes(run, {"note": "lower rate\nnext time", "archived": True})
    expected = Notes(name="The first one", note="lower rate\nnext time", tags=("keep", "old base"), archived=True)
    assert read_notes(run) == expected
    assert [path.name for path in run.path.glob(".*")] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "x" * (LONGEST_NAME + 1)}, "A name has at most 80 letters"),
        ({"note": "x" * 2001}, "A note has at most 2,000 letters"),
        ({"tags": ["x" * 31]}, "at most 12 tags of at most 30 letters"),
        ({"tags": [f"tag {n}" for n in range(MOST_TAGS + 1)]}, "at most 12 tags"),
        ({"tags": "keep"}, "at most 12 tags"),
        ({"archived": "yes"}, "archived cannot have this value"),
        ({"owner": "me"}, "A run has no 'owner'"),
    ],
)
def test_what_is_out_of_bounds_is_refused_and_changes_nothing(home, changes, words):
    run = prepare_run(home, "amber-fox")
    change_notes(run, {"name": "kept"})
    with pytest.raises(StudioError, match=words):
        change_notes(run, changes)
    assert read_notes(run) == Notes(name="kept")


def test_damaged_notes_say_nothing(home):
    run = prepare_run(home, "amber-fox")
    (run.path / "notes.json").write_text('{"name": 5')
    assert read_notes(run) == Notes()
    assert change_notes(run, {"name": "again"}).name == "again"


def test_a_folder_that_is_gone_is_said(home):
    run = prepare_run(home, "amber-fox")
    run.path.rename(home.root / "elsewhere")
    with pytest.raises(StudioError, match="look whether the run's folder is still there"):
        change_notes(run, {"name": "x"})

"""Which of mixed rows are the main file's own."""

from __future__ import annotations

from studio.data.example import Example, Examples


def test_the_rows_of_a_mixed_set_are_left_to_where_they_come_from():
    own = [Example(1, "a", "b"), Example(3, "c", "d")]
    mixed = [own[0], Example(1, "e", "f", source="general.jsonl"), own[1]]
    assert list(Examples.of(mixed).of_main_file()) == own
    assert list(Examples.of(own).of_main_file()) == own

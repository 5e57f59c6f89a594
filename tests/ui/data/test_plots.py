"""What the plots say in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from studio.ui.data.plots import lost


@pytest.mark.parametrize(
    ("cut", "dropped", "says"),
    [
        (0, 0, "No row is longer than 64 tokens, so none is cut."),
        (1, 0, "1 row cut at 64 tokens: 25 % of all tokens are lost."),
        (0, 2, "2 rows left out, with nothing to learn within 64 tokens: 25 % of all tokens are lost."),
        (
            3,
            1,
            "3 rows cut at 64 tokens and 1 row left out, with nothing to learn within 64 tokens: 25 % of all tokens "
            "are lost.",
        ),
    ],
)
def test_what_the_longest_row_loses_is_said_whether_rows_are_cut_or_left_out(cut: int, dropped: int, says: str) -> None:
    study: Any = SimpleNamespace(cut_rows=cut, dropped_rows=dropped, tokens=400, lost_tokens=100)
    assert lost(study, 64) == says

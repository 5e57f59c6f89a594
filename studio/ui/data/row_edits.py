"""What a person changes in single rows, as mends of the data part."""

from __future__ import annotations

import numpy as np

from studio.data.dataset import Prepared
from studio.data.mends.every import Drop, Edit, MendKind
from studio.data.part import DataPart
from studio.ui.data.pages import shown
from studio.ui.data.row_html import cells_of


def edited(known: Prepared, part: DataPart, row: int, field: str, text: str) -> DataPart:
    """The part with another text in a cell; the same part where it is the text that was there.

    A browser's text field knows one kind of line end, so a cell with the other kind gets its own back.
    """
    rows = shown(known, part, np.array([row], np.int64))
    cells = {cell.field: cell.text for cell in cells_of(rows[0].example)} if rows[0].example else {}
    before = cells.get(field)
    if not field or before is None or text == before.replace("\r\n", "\n").replace("\r", "\n"):
        return part
    mend = Edit(row=row, field=field, text=text.replace("\n", "\r\n") if "\r\n" in before else text)
    last = part.mends[-1] if part.mends else None
    same_cell = isinstance(last, Edit) and (last.row, last.field) == (row, field)
    return part.model_copy(update={"mends": (*(part.mends[:-1] if same_cell else part.mends), mend)})


def dropped(part: DataPart, row: int) -> DataPart:
    """The part without a row. Rows dropped one after the other are one mend."""
    last = part.mends[-1] if part.mends else None
    if isinstance(last, Drop):
        return part.model_copy(update={"mends": (*part.mends[:-1], Drop(rows=tuple(sorted({*last.rows, row}))))})
    return part.model_copy(update={"mends": (*part.mends, Drop(rows=(row,)))})


def brought_back(part: DataPart, row: int) -> DataPart:
    """The part with a row again that was dropped by hand."""
    kept: list[MendKind] = []
    for mend in part.mends:
        if isinstance(mend, Drop) and row in mend.rows:
            rest = tuple(other for other in mend.rows if other != row)
            kept += [Drop(rows=rest)] if rest else []
        else:
            kept.append(mend)
    return part.model_copy(update={"mends": tuple(kept)})

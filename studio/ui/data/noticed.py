"""What is known of a data part at a moment: its rows, what was found in them, and whether more is to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio.data.dataset import Prepared
from studio.data.findings import Finding
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.recipe.recipe import TrainingPart
from studio.ui.studio import Studio

if TYPE_CHECKING:
    from studio.run.study.desk import StudyState


@dataclass(frozen=True)
class Noticed:
    """`known` is None while the rows are being read, `study` where there is none under way or done."""

    part: DataPart = field(default_factory=DataPart)
    known: Prepared | None = None
    study: StudyState | None = None
    error: StudioError | None = None
    longest: int = 0
    """The longest row of the recipe, in tokens."""
    stamp: str = ""
    """Equal for two looks between which nothing has come."""
    findings: list[Finding] = field(default_factory=list)
    """What the quick look found, then what the thorough one did."""

    @property
    def waiting(self) -> bool:
        """Whether more will come by itself."""
        if not self.part.path or self.error:
            return False
        return self.known is None or (self.study is not None and not self.study.over)


def noticed(
    studio: Studio, part: DataPart, model: str, max_length: float | None, thorough: bool = True, kind: str = ""
) -> Noticed:
    """What is known now; nothing is waited for.

    Args:
        studio: whose desk is asked.
        part: of which rows.
        model: the base model.
        max_length: the longest row of the recipe, in tokens; the usual one where the page has none yet.
        thorough: whether the thorough look counts. It begins where it has not, or was cancelled.
        kind: a finding that is asked for. Where the quick look did not make it, the thorough one counts.
    """
    if not part.path:
        return Noticed()
    longest = int(max_length or TrainingPart().max_length)
    try:
        known = studio.desk.known(part)
        quick = [] if known is None else known.report.findings
        thorough = thorough or (bool(kind) and kind not in {finding.kind for finding in quick})
        study = studio.desk.study(part, model, longest) if thorough else None
    except StudioError as error:
        return Noticed(part, error=error, longest=longest, stamp="error")
    found = [*quick, *(study.study.findings if study and study.study else [])]
    stamp = f"{hash((part.model_dump_json(), model, longest))} {known is not None} {study is not None and study.over}"
    return Noticed(part, known, study, None, longest, stamp, found)

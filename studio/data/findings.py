"""What is said about a file's rows: the findings, and the report that holds them."""

from typing import Any, Literal

from pydantic import BaseModel, computed_field

Severity = Literal["error", "warning", "note"]


class Finding(BaseModel, frozen=True):
    """One thing about some rows: which rows, what it is, and what happens to them."""

    kind: str
    count: int
    rows: list[int]
    message: str
    severity: Severity
    left_out: bool = False
    """True where `rows` are kept out of training."""
    why: str = ""
    """Why it matters, in a sentence for people who never trained a model."""
    mend: str = ""
    """The kind of the mend that cures it with one click (a `kind` of `mends`); empty where none does."""
    options: dict[str, Any] = {}
    """What that mend is to be told beside its kind, such as the text that it takes out."""
    counts: dict[str, int] = {}
    """Figures for a plot, such as how many rows are in each language."""


class Lengths(BaseModel, frozen=True):
    """How long the cells of one column are, in characters, over the usable rows."""

    median: int = 0
    longest: int = 0


class Histogram(BaseModel, frozen=True):
    """How many values lie between one edge and the next. The last bin also holds all that is above its edge."""

    edges: list[int] = []
    """One more than there are counts, rising."""
    counts: list[int] = []


class Report(BaseModel, frozen=True):
    """What a file's rows are worth. `rows` counts every data row of the file, also the ones left out."""

    rows: int
    usable: int
    findings: list[Finding] = []
    prompt_characters: Lengths = Lengths()
    completion_characters: Lengths = Lengths()
    prompt_histogram: Histogram = Histogram()
    completion_histogram: Histogram = Histogram()
    """Both in characters, over the usable rows."""
    labels: dict[str, int] = {}
    """The classes of the usable rows, the 50 most frequent first, and how many rows each has; empty without labels."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def left_out(self) -> list[int]:
        """The numbers of the rows that are kept out of training, each once."""
        return sorted({row for finding in self.findings if finding.left_out for row in finding.rows})

    @property
    def errors(self) -> list[str]:
        """What stands in the way of training, in sentences; empty where nothing does."""
        return [finding.message for finding in self.findings if finding.severity == "error"]


def finding(
    kind: str,
    rows: list[int],
    message: str,
    severity: Severity,
    left_out: bool = False,
    *,
    why: str = "",
    mend: str = "",
    options: dict[str, Any] | None = None,
    counts: dict[str, int] | None = None,
) -> Finding:
    """A finding that counts its own rows."""
    return Finding(
        kind=kind,
        count=len(rows),
        rows=rows,
        message=message,
        severity=severity,
        left_out=left_out,
        why=why,
        mend=mend,
        options=options or {},
        counts=counts or {},
    )

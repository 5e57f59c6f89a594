"""What can be wrong with a row that is more than a text and a text, and the findings about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.data.findings import Finding, Severity, finding
from studio.data.wording import rows_named, sentence


@dataclass(frozen=True)
class _Trouble:
    what: str
    why: str
    left_out: bool = True
    severity: Severity = "warning"


_ASKED = "Only what answers something can be learned."
_WHOLE = "A conversation with a hole in it would teach answers to what was never said."
_TROUBLES = {
    "no-conversation": _Trouble("the cell is no list of messages{}", _ASKED),
    "empty-conversation": _Trouble("the conversation has no message", _ASKED),
    "broken-turn": _Trouble("a turn cannot be read ({})", _WHOLE),
    "unknown-role": _Trouble(
        "a turn is spoken by {}, and known are user (human), assistant (gpt), system and tool (observation)",
        "The chat template marks each turn with who speaks, and it knows no others.",
    ),
    "not-text": _Trouble(
        "a message holds {} beside its text, and this studio trains on text", "Without it the answer makes no sense."
    ),
    "broken-tool-call": _Trouble(
        'a tool call cannot be read ({}); wanted is {{"name": "…", "arguments": {{…}}}}',
        "A model that learns broken calls makes broken calls.",
    ),
    "broken-tools": _Trouble(
        "the tools cannot be read ({})", "A call can only be learned together with what may be called."
    ),
    "no-answer": _Trouble("there is no turn of the assistant with a text or a tool call", _ASKED),
    "no-question": _Trouble("nothing is asked before the answer", _ASKED),
    "nothing-trained": _Trouble("every answer has the weight 0", "The file itself says not to learn from them."),
    "not-liked": _Trouble(
        "the row is labelled false, an answer that is not wanted. It takes preference training to learn from these",
        "Trained on, it would teach the very answers that the label warns of.",
        severity="note",
    ),
    "no-preference": _Trouble("{}", "A preference needs a prompt, a better answer and a worse one."),
    "nested-cell": _Trouble(
        "{} holds a list or an object where a text is wanted", "Written out as JSON it would be learned as JSON."
    ),
    "broken-document": _Trouble("{}", _ASKED),
    "starts-with-answer": _Trouble(
        "the conversation starts with the assistant. That first answer is read, not learned from. Some chat templates "
        "refuse such rows",
        "It answers nothing that was said.",
        left_out=False,
    ),
    "same-role-twice": _Trouble(
        "the same side speaks twice in a row. Kept as it is; some chat templates refuse such rows",
        "Most models were trained on turns that alternate.",
        left_out=False,
    ),
    "late-system": _Trouble(
        "a system prompt comes later than the first turn. Kept as it is; some chat templates refuse such rows",
        "Most models know a system prompt at the beginning only.",
        left_out=False,
    ),
    "ends-with-question": _Trouble(
        "the conversation goes on after its last answer. Kept; nothing is learned from that end",
        "The loss is on answers only.",
        left_out=False,
        severity="note",
    ),
    "odd-weight": _Trouble(
        "a turn has a weight other than 0 and 1. Read as 1", "Answers are learned from or not.", False, "note"
    ),
    "parallel-calls": _Trouble(
        "parallel_tool_calls is set. It is ignored", "It steers a service, not the text that is learned.", False, "note"
    ),
    "no-answer-listed": _Trouble(
        "there is no text among the answers",
        "SQuAD marks questions as impossible in this way.",
        severity="note",
    ),
    "no-real-answer": _Trouble(
        "a question has no answer in its document. It makes no example",
        "SQuAD marks such questions as impossible.",
        left_out=False,
        severity="note",
    ),
}


class UnusableError(Exception):
    """A row that nothing can be learned from: the kind of trouble, and its detail."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


@dataclass
class Troubles:
    """The rows of each kind of trouble, met one after the other."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, row: int, detail: str = "") -> None:
        """Each row counts once for a kind; the first detail is the one told."""
        met = self.rows.setdefault(kind, [])
        if not met or met[-1] != row:
            met.append(row)
        self.details.setdefault(kind, detail)

    @property
    def left_out(self) -> bool:
        """Whether any row is left out."""
        return any(_TROUBLES[kind].left_out for kind in self.rows)

    def findings(self) -> list[Finding]:
        """One finding for each kind, all that stops a row before all that does not."""
        every = [self._finding(kind, rows) for kind, rows in self.rows.items()]
        return sorted(every, key=lambda each: not each.left_out)

    def _finding(self, kind: str, rows: list[int]) -> Finding:
        trouble = _TROUBLES[kind]
        end = ". Left out." if trouble.left_out else "."
        message = f"{sentence(rows_named(rows))}: {trouble.what.format(self.details[kind])}{end}"
        return finding(kind, rows, message, trouble.severity, trouble.left_out, why=trouble.why)

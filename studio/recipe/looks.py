"""While it learns: what the model is asked on the way, and what it is watched for not to forget."""

from __future__ import annotations

from studio.knob import Part, knob

MOST_PROMPTS = 8


class LooksPart(Part):
    """What is asked of the model while it learns, and how much of the training's time that may take."""

    enabled: bool = knob(
        True,
        "Looks at the model while it learns: its answers on the way as a film strip, and what it forgets as a needle.",
        label="Look while it learns",
        what="Before the first step, at each held-out check and at the end, the model in training answers a few "
        "prompts, and reads a few dozen questions that the base could answer. So you see its answers change with the "
        "curve, and hear at which step it begins to forget. The training itself is not changed by it in any way.",
    )
    share: float = knob(
        0.05,
        "How much of the training's time looking may take. A look that would take more is left out; the first and the "
        "last are always done. Try 0.05.",
        label="Share of the time",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="of the training time",
        what="Looking costs time. The studio measures what a look takes and how long the training has run, and leaves "
        "a look out where the two no longer go together; before that it shows fewer and shorter answers. With 0 there "
        "are only the first look, before any step, and the last.",
    )
    every: int = knob(
        0,
        "Steps from one look to the next. 0: at each held-out check.",
        label="Look every",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
    )
    prompts: str = knob(
        "",
        f"Prompts that you want to see answered on the way, one per line, {MOST_PROMPTS} at most.",
        label="Pinned prompts",
        lines=3,
        what="Write what you would ask the finished model. Each prompt becomes a row of the film strip under the loss "
        "curve, with the answer at each look, so you can see when the model gets the idea and whether it later "
        "loses it again.",
    )
    held_out_rows: int = knob(
        3,
        "Held-out rows that are answered on the way too, beside the answers that the file has. Try 3.",
        label="Held-out rows shown",
        bounds=(0, MOST_PROMPTS),
        step=1,
        unit="rows",
    )
    answer_tokens: int = knob(
        48,
        "Where an answer of the film strip is cut. Longer answers take more time. Try 48.",
        label="Longest answer shown",
        bounds=(8, 256),
        step=8,
        unit="tokens",
    )
    bundled_probes: bool = knob(
        True,
        "Watch what the base could do with the studio's own probes: facts, sums, formats and plain text.",
        label="The studio's probes",
        what="A probe is a question with its answer. The model in training is not asked to write, only how likely it "
        "finds each word of the answer. Those that the base was sure of and the model in training has wrong are what "
        "it forgot. For the bundled starter they are drawn from its own little world; for other models they are common "
        "knowledge in plain English.",
    )
    own_probes: str = knob(
        "",
        "A file (or a folder of files) of your own prompts and completions that must not be forgotten: other tasks, "
        "house rules. At most 200 rows of it are read.",
        label="Your own probes",
    )

    @property
    def pinned(self) -> tuple[str, ...]:
        """The pinned prompts, without empty lines and repetitions."""
        lines = (line.strip() for line in self.prompts.splitlines())
        return tuple(dict.fromkeys(line for line in lines if line))[:MOST_PROMPTS]

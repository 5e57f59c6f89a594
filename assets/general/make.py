"""Make the bundled general rows from the world of the starter model: python assets/general/make.py"""

import csv
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"
sys.path.insert(0, str(HERE.parent / "starter"))

from talks import (  # noqa: E402
    SMALL_TALK,
    Talk,
    customer,
    extraction,
    facts,
    formats,
    shops,
    sums,
    talk,
    unknown,
    writing,
)
from voices import voiced  # noqa: E402

SEED = 11
TRIES = 5_000  # of one kind; most of them repeat what is there
LONGEST = 600  # characters of a completion: a row is there to remind, not to fill the memory

KINDS: tuple[tuple[str, Callable[[random.Random], Talk], int], ...] = (
    ("fact", facts, 90),
    ("extraction", extraction, 90),
    ("voice", voiced, 70),
    ("format", formats, 60),
    ("customer", customer, 40),
    ("sum", sums, 40),
    ("unknown", unknown, 30),
    ("shop", shops, 15),
    ("writing", writing, 5),
)
"""What the starter can do, and how many rows remind it of that."""


def asked_in_samples() -> set[str]:
    """Every prompt of the bundled tasks: none of them may be answered here in another way."""
    prompts: set[str] = set()
    for path in SAMPLES.glob("*/*.*"):
        prompts |= set(_prompts(path))
    return prompts


def _prompts(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return [json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]  # their first column


def rows() -> list[dict[str, str]]:
    """The general rows: one question and one answer each, no prompt twice."""
    rng, taken, found = random.Random(SEED), asked_in_samples(), []
    for kind, make, wanted in KINDS:
        made = 0
        for _ in range(TRIES):
            if made == wanted:
                break
            turns = make(rng)
            if len(turns) != 2 or turns[0]["role"] != "user" or len(turns[1]["content"]) > LONGEST:
                continue  # a row holds one question and one answer
            prompt, completion = (turn["content"] for turn in turns)
            if prompt in taken:
                continue
            taken.add(prompt)
            made += 1
            found.append({"prompt": prompt, "completion": completion, "kind": kind})
        assert made == wanted, f"the world has only {made} rows of the kind {kind}"
    for prompt, completion in SMALL_TALK:
        question, answer = (turn["content"] for turn in talk(prompt, completion))
        found.append({"prompt": question, "completion": answer, "kind": "small talk"})
    assert len({row["prompt"] for row in found}) == len(found)
    return rng.sample(found, len(found))


def main() -> None:
    """Write the rows beside this script."""
    made = rows()
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
    (HERE / "general.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(made)} general rows")


if __name__ == "__main__":
    main()

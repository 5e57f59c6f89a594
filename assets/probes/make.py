"""Make the bundled probes, for the starter from its own world: python assets/probes/make.py

A probe has to be known before any training, else nothing can be forgotten of it: of what the starter's world makes,
those are taken that the starter is sure of. What it has right by a hair is lost by any training, and is no sign.
"""

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
STARTER = HERE.parent / "starter"
sys.path.insert(0, str(STARTER))
sys.path.insert(0, str(HERE.parent / "general"))

import torch  # noqa: E402
from make import asked_in_samples  # noqa: E402  # type: ignore[attr-defined]
from tales import any_text  # noqa: E402
from talks import Talk, facts, formats, sums  # noqa: E402
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase  # noqa: E402

SEED = 23
OF_EACH = 10
TRIES = 3_000
LONGEST = 36  # tokens of prompt and answer: probes are read again and again
WORDS = 3  # to go on with, in a plain text
SURE = 0.7  # probability of each token of an answer, from which on the starter knows it

Probe = dict[str, str | bool]

GENERAL = {
    "fact": (
        ("The capital of France is", " Paris"),
        ("The capital of Japan is", " Tokyo"),
        ("The capital of Italy is", " Rome"),
        ("The largest planet in our solar system is", " Jupiter"),
        ("Water is made of hydrogen and", " oxygen"),
        ("The chemical symbol for gold is", " Au"),
        ("The Earth revolves around the", " Sun"),
        ("Romeo and Juliet was written by William", " Shakespeare"),
        ("The opposite of hot is", " cold"),
        ("The first man on the Moon was Neil", " Armstrong"),
        ("The currency of the United Kingdom is the", " pound"),
        ("Water freezes at 0 degrees", " Celsius"),
    ),
    "sum": (
        ("2 + 2 =", " 4"),
        ("3 + 4 =", " 7"),
        ("5 + 5 =", " 10"),
        ("9 - 3 =", " 6"),
        ("10 - 8 =", " 2"),
        ("6 + 3 =", " 9"),
        ("2 * 3 =", " 6"),
        ("5 * 2 =", " 10"),
        ("20 + 30 =", " 50"),
        ("7 - 7 =", " 0"),
    ),
    "format": (
        ("Monday, Tuesday, Wednesday, Thursday,", " Friday, Saturday, Sunday"),
        ("January, February, March,", " April, May, June"),
        ("one, two, three, four,", " five, six, seven"),
        ("a, b, c, d, e,", " f, g, h"),
        ("1, 2, 3, 4, 5,", " 6, 7, 8"),
        ("10, 20, 30, 40,", " 50, 60, 70"),
        ('{"colour": "red"}\n{"colour": "green"}\n{"colour":', ' "blue"}'),
        ("- red\n- green\n- blue\n-", " yellow"),
        ("dog: dogs\ncat: cats\nbook:", " books"),
        ("<p>Hello</p>\n<p>World", "</p>"),
    ),
    "text": (
        ("Once upon a time, there", " was a"),
        ("To be, or not to", " be"),
        ("The early bird catches the", " worm"),
        ("Better late than", " never"),
        ("Thank you very", " much"),
        ("Ladies and", " gentlemen"),
        ("Dear Sir or", " Madam"),
        ("I am looking forward to hearing from", " you"),
        ("Actions speak louder than", " words"),
        ("They lived happily ever", " after"),
    ),
}
"""For models that know English: common knowledge, as the start of a text and how it goes on."""


class Base:
    """The starter, asked which texts it has right."""

    def __init__(self) -> None:
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(STARTER)
        self._model = LlamaForCausalLM.from_pretrained(STARTER, dtype=torch.float32).eval()

    def knows(self, prompt: str, completion: str, plain: bool) -> bool:
        """Whether it is short, and the starter is sure of each token of the completion."""
        if not plain:
            spoken = [{"role": "user", "content": prompt}]
            prompt = str(self.tokenizer.apply_chat_template(spoken, tokenize=False, add_generation_prompt=True))
        asked, said = (self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, completion))
        if len(asked) + len(said) > LONGEST:
            return False
        with torch.no_grad():
            logits = self._model(input_ids=torch.tensor([asked + said])).logits[0, len(asked) - 1 : -1]
        return bool((logits.softmax(-1).gather(1, torch.tensor(said)[:, None]) >= SURE).all())


def single(make: Callable[[random.Random], Talk]) -> Callable[[random.Random], Iterator[tuple[str, str]]]:
    """One question and its answer, where that is all that was made."""

    def pairs(rng: random.Random) -> Iterator[tuple[str, str]]:
        turns = make(rng)
        if len(turns) == 2 and turns[0]["role"] == "user":
            yield turns[0]["content"], turns[1]["content"]

    return pairs


def text(rng: random.Random) -> Iterator[tuple[str, str]]:
    """The beginning of a text, and its next words."""
    words = re.findall(r"\S+\s*", any_text(rng))
    at = rng.randint(5, 12)
    if len(words) > at + WORDS:
        yield "".join(words[:at]).rstrip(), " " + "".join(words[at : at + WORDS]).strip()


MAKERS = {"fact": (single(facts), False), "sum": (single(sums), False), "format": (single(formats), False)}
MAKERS |= {"text": (text, True)}


def starter_probes() -> list[Probe]:
    """Probes of each family that the starter is sure of, no prompt twice and none of the samples or general rows."""
    rng, base, taken, found = random.Random(SEED), Base(), asked_in_samples() | _general_rows(), []
    for family, (make, plain) in MAKERS.items():
        mine: list[Probe] = []
        for prompt, completion in (pair for _ in range(TRIES) for pair in make(rng)):
            if prompt in taken or len(mine) == OF_EACH or not base.knows(prompt, completion, plain):
                continue
            taken.add(prompt)
            probe: Probe = {"family": family, "prompt": prompt, "completion": completion}
            mine.append(probe | ({"plain": True} if plain else {}))
        assert len(mine) == OF_EACH, f"the starter is sure of only {len(mine)} probes of the family {family}"
        found += mine
    return found


def general_probes() -> list[Probe]:
    """Common knowledge in plain English."""
    return [
        {"family": family, "prompt": prompt, "completion": completion, "plain": True}
        for family, pairs in GENERAL.items()
        for prompt, completion in pairs
    ]


def _general_rows() -> set[str]:
    lines = (HERE.parent / "general" / "general.jsonl").read_text("utf-8").splitlines()
    return {json.loads(line)["prompt"] for line in lines}


def main() -> None:
    """Write both sets beside this script."""
    for name, probes in (("starter", starter_probes()), ("general", general_probes())):
        lines = [json.dumps(probe, ensure_ascii=False) + "\n" for probe in probes]
        (HERE / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{name}: {len(probes)} probes")


if __name__ == "__main__":
    main()

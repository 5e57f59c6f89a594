"""The model card of the starter, written from what was measured."""

from pathlib import Path
from typing import Any

from voices import VOICES
from world import FACTS, KINDS, PEOPLE, PLACES_IN_TOWN, TOWN

CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [tiny, synthetic, llama]
---

# Atelier's starter model

A Llama of {parameters:,} parameters that knows one small invented harbour town, Tidewick, and nothing else. It is there
so that a first fine-tuning run needs no download and ends within minutes on a CPU. It is no assistant: ask it about
anything but Tidewick and it makes things up.

## What it knows

{people} people with their homes, jobs, animals and favourite food; {places} places with what they are, their street,
hours, day of rest and keeper; {items} items with price and shop; distances. {facts} facts in all. It also answers
customers of a repair desk, pulls names and things out of their messages in several notations when told to, speaks in
{voices} voices when told to, lists, counts and adds a little.

## How it was made

Every word of its corpus comes from the grammar in this folder (`names.py`, `world.py`, `tales.py`, `customers.py`,
`voices.py`, `talks.py`); no other text and no other model was used. The tokenizer is a byte-level BPE of 2,048 tokens.
The model was trained from random weights on {tokens:,} tokens in {seconds:,} seconds on {device}. To make it again:

    python assets/starter/make.py

The same seed gives the same corpus and tokenizer everywhere; weights differ in the last digits between machines.

## What it reached

| measured | value |
|---|---|
| perplexity, fresh documents of the same grammar (text and assistant turns) | {perplexity:.2f} |
| facts recalled exactly, every question of every fact, greedy | {recall:.1%} |
{rows}

Recall by kind of fact: {kinds}.

The weights are stored as bfloat16; the figures are those of the stored weights, computed in float32.

## How it writes

Greedy, as it came:

{samples}

## Talking to it

Roles `<|system|>`, `<|user|>`, `<|assistant|>`; every turn and every document ends in `<|end|>`, which it was trained
to write. The context is 512 tokens. Licence: Apache-2.0.
"""


def write_card(path: Path, reached: dict[str, Any]) -> None:
    """Write the card from the figures."""
    weights = {kind.name: sum(other is kind for other, _ in FACTS) * len(kind.questions) for kind in KINDS}
    right = sum(reached["recall"][name] * count for name, count in weights.items())
    path.write_text(
        CARD.format(
            parameters=reached["parameters"],
            people=len(PEOPLE),
            places=len(PLACES_IN_TOWN),
            items=sum(subject.sort == "item" for subject in TOWN),
            facts=len(FACTS),
            voices=len(VOICES),
            tokens=reached["training tokens"],
            seconds=reached["seconds"],
            device={"cpu": "two CPU cores", "cuda": "a GPU"}[reached["device"]],
            perplexity=reached["held-out perplexity"],
            recall=right / sum(weights.values()),
            rows="\n".join(
                f"| fresh instructions: {name} | {share:.1%} |" for name, share in reached["skills"].items()
            ),
            kinds=", ".join(f"{name} {share:.0%}" for name, share in reached["recall"].items()),
            samples="\n\n".join(f"> **{quoted(start)}** {quoted(text)}" for start, text in reached["samples"]),
        ),
        encoding="utf-8",
    )


def quoted(text: str) -> str:
    """Text of several lines inside a Markdown quotation."""
    return text.replace("\n", "  \n> ")

"""Names that people can tell apart and say aloud: 2026-11-20-amber-fox."""

from __future__ import annotations

import random
from datetime import date

COLOURS = (
    "amber", "azure", "beige", "bronze", "cobalt", "copper", "coral", "crimson", "ebony", "emerald", "golden", "green",
    "hazel", "indigo", "ivory", "jade", "lilac", "maroon", "mauve", "ochre", "olive", "pearl", "plum", "rose", "ruby",
    "russet", "saffron", "sand", "scarlet", "sepia", "silver", "slate", "teal", "umber", "violet", "white",
)  # fmt: skip
ANIMALS = (
    "badger", "bear", "beaver", "bee", "bison", "crane", "crow", "deer", "dove", "eagle", "falcon", "finch", "fox",
    "gecko", "goose", "hare", "hawk", "heron", "ibex", "jay", "kite", "lark", "lion", "lynx", "marten", "mole", "moose",
    "newt", "otter", "owl", "panda", "puffin", "quail", "raven", "robin", "seal", "shrew", "stork", "swan", "tiger",
    "toad", "trout", "vole", "weasel", "whale", "wolf", "wren", "yak", "zebra",
)  # fmt: skip


def new_name(day: date, chance: random.Random) -> str:
    """A name for a run begun on `day`. There are about 1,700 a day; the caller sees to it that it is free."""
    return f"{day.isoformat()}-{chance.choice(COLOURS)}-{chance.choice(ANIMALS)}"

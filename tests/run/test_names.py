"""Names that people can tell apart and say aloud."""

import random
import re
from datetime import date

from studio.run.names import ANIMALS, COLOURS, new_name


def test_a_name_is_the_day_a_colour_and_an_animal():
    names = {new_name(date(2026, 11, 20), random.Random(seed)) for seed in range(300)}
    assert all(re.fullmatch(r"2026-11-20-[a-z]+-[a-z]+", name) for name in names)
    assert len(names) > 200, "names repeat too soon"


def test_no_word_is_there_twice():
    for words in (COLOURS, ANIMALS):
        assert len(set(words)) == len(words)
    assert len(COLOURS) * len(ANIMALS) > 1500

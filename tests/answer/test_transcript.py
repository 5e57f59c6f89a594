from itertools import pairwise

import pytest

from studio.answer.transcript import Transcript
from tests.tiny_run import make_tokenizer


@pytest.mark.parametrize("text", ["Grüße, 世界 🦊!", "🦊", "naïve", "plain"])
def test_no_half_character_is_ever_shown(text):
    tokenizer = make_tokenizer()
    transcript = Transcript(tokenizer)
    shown = []
    for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
        transcript.add(token)
        shown.append(transcript.so_far())
    assert len(shown) == len(text.encode())
    assert all(text.startswith(part) for part in shown)
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))
    assert shown[-1] == transcript.text() == text


def test_at_the_end_nothing_is_held_back():
    tokenizer = make_tokenizer()
    transcript = Transcript(tokenizer)
    for token in [*tokenizer("a🦊", add_special_tokens=False)["input_ids"][:3], 2]:
        transcript.add(token)
    assert transcript.so_far() == "a"
    assert transcript.text() == "a�" == tokenizer.decode(transcript.tokens, skip_special_tokens=True)

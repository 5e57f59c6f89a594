"""Parting prompt and answer at a special token gives the very tokens of tokenising both texts whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from studio.data.tokens.boundary import Boundary
from studio.data.tokens.ids import common_prefix, token_ids
from studio.data.tokens.render import Renderer
from studio.home import CHECKOUT, STARTER
from studio.run.tokenizer import load_tokenizer

SHARED = CHECKOUT.parent / "shared" / "models" / "tokenizers"
FOLDERS = {"starter": STARTER, "minimind-chatml": SHARED / "minimind-chatml", "mistral": SHARED / "mistral-v3-32k"}
PIECES = (
    "<|end|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|",
    "|>",
    "<|assistant|>",
    "\n",
    " ",
    "</think>",
    "</s>",
    "<s>",
    "▁",
)
TEXT = st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=6)


def boundary_of(name: str) -> Boundary:
    if name not in KNOWN:
        if not FOLDERS[name].exists():
            pytest.skip(f"{FOLDERS[name]} is not here")
        KNOWN[name] = Boundary(Renderer(load_tokenizer(FOLDERS[name])[0]))
    return KNOWN[name]


KNOWN: dict[str, Boundary] = {}


def both(boundary: Boundary, asked: str, answered: str) -> tuple[str, str]:
    user, bot = {"role": "user", "content": asked}, {"role": "assistant", "content": answered}
    return boundary.renderer.text([user], goes_on=True), boundary.renderer.text([user, bot])


def plainly(boundary: Boundary, prompt: str, whole: str) -> tuple[list[list[int]], list[int]]:
    (before,), (ids,) = token_ids(boundary.tokenizer, [prompt]), token_ids(boundary.tokenizer, [whole])
    return [ids], [common_prefix(before, ids)]


@pytest.mark.parametrize("name", FOLDERS)
@settings(max_examples=150, deadline=None)
@given(asked=TEXT.map("".join), answered=TEXT.map("".join))
def test_tokens_are_those_of_the_texts_as_a_whole(name: str, asked: str, answered: str) -> None:
    boundary = boundary_of(name)
    prompt, whole = both(boundary, asked, answered)
    assert boundary.ids([prompt], [whole]) == plainly(boundary, prompt, whole)


def test_rows_of_both_kinds_keep_their_order() -> None:
    boundary = boundary_of("starter")
    texts = [both(boundary, "one", "1"), ("another prompt", "another prompt and its end"), both(boundary, "two", "2")]
    ids, starts = boundary.ids([prompt for prompt, _ in texts], [whole for _, whole in texts])
    expected = [plainly(boundary, prompt, whole) for prompt, whole in texts]
    assert ids == [each for found, _ in expected for each in found]
    assert starts == [each for _, found in expected for each in found]


def test_the_starter_and_chatml_are_parted_and_a_template_without_tokens_is_not() -> None:
    assert boundary_of("starter").head.endswith("<|assistant|>")
    assert boundary_of("minimind-chatml").head.endswith("</think>")
    assert boundary_of("mistral").head == ""


@pytest.mark.parametrize(
    "token",
    [
        AddedToken("<|assistant|>x", normalized=False),  # reaches over the end
        AddedToken(">\n<|", normalized=False),  # reaches into the last token
        AddedToken("a<|assistant|>", normalized=False),  # holds the last token
        AddedToken("<|assistant|>", rstrip=True, normalized=False),  # eats what follows
    ],
    ids=["over", "into", "within", "rstrip"],
)
def test_added_tokens_that_spoil_the_proof_are_seen(token: AddedToken) -> None:
    tokenizer = load_tokenizer(STARTER)[0]
    tokenizer.add_tokens([token])
    boundary = Boundary(Renderer(tokenizer))
    assert boundary.head == ""
    prompt, whole = both(boundary, "a<|assistant|>", "x y")
    assert boundary.ids([prompt], [whole]) == plainly(boundary, prompt, whole)

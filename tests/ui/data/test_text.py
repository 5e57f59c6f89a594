"""Long text, on plain values."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from studio.data.part import Chunks
from studio.run.study.study import ChunkFacts
from studio.ui.data.text import counted_figures, cut, estimate, show
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, studio_in, upload

TEXT = "\n\n".join(f"Paragraph {n} tells of many things, and it tells of them at some length." for n in range(20))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def test_it_is_in_view_for_plain_text_only(studio: Studio, tmp_path: Path) -> None:
    group, by, length, overlap, effect, _ = show(studio, upload(studio, tmp_path, TEXT, "book.txt"), "starter")
    assert group["visible"]
    assert by == "whole"
    assert not length["visible"]
    assert not overlap["visible"]
    assert "20" in effect
    assert not show(studio, upload(studio, tmp_path, ROWS), "starter")[0]["visible"]


def test_cutting_changes_the_part_and_shows_the_lengths(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, TEXT, "book.txt")
    assert cut("by", "whole", part) == gr.skip()
    part = cut("by", "tokens", part)
    assert part.chunks.by == "tokens"
    assert show(studio, part, "starter")[2]["visible"]


def test_the_estimate_counts_what_overlaps() -> None:
    lengths = np.array([1000.0, 200.0])
    assert dict(estimate(lengths, Chunks(by="tokens", length=100)))["Chunks, about"] == "12"
    overlapping = dict(estimate(lengths, Chunks(by="tokens", length=100, overlap=50)))
    assert overlapping["Chunks, about"] == "23"
    assert overlapping["Repeated"] == "1,100"


def test_what_was_counted_takes_the_place_of_the_estimate() -> None:
    facts = ChunkFacts(chunks=1_234, length=256, tokens=300_000, waste_share=0.0504)
    assert dict(counted_figures(facts)) == {"Chunks": "1,234", "Tokens": "300,000", "Room left empty": "5.0 %"}

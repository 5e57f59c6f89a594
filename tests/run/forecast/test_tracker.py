"""Bytes of real tensors, counted while they live."""

from __future__ import annotations

import torch

from studio.run.forecast.tracker import PAGE, Tracker

MEGABYTE = 2**20


def test_what_is_freed_no_longer_counts():
    with Tracker(vocabulary=0) as tracker:
        first = torch.zeros(MEGABYTE // 4)
        second = first + 1
        del first
        third = second * 2
    assert tracker.moment().bytes == 2 * MEGABYTE
    assert tracker.part_bytes()["activations"] == 2 * MEGABYTE
    assert third.nbytes == MEGABYTE


def test_a_moment_begins_with_what_lives():
    with Tracker(vocabulary=0) as tracker:
        kept = torch.zeros(MEGABYTE // 4)
        kept + 1
        tracker.moment()
    assert tracker.moment().bytes == MEGABYTE


def test_views_are_no_new_bytes():
    with Tracker(vocabulary=0) as tracker:
        whole = torch.zeros(4, MEGABYTE // 16)
        whole.view(-1)[10:].t()
    assert tracker.moment().bytes == MEGABYTE


def test_named_tensors_belong_to_their_part():
    weight = torch.zeros(MEGABYTE // 4)
    with Tracker(vocabulary=8) as tracker:
        tracker.name([weight], "weights")
        logits = torch.ones(16, 4) @ torch.ones(4, 8)
        tracker.name([logits], "gradients")
        wide = torch.ones(16, 4) @ torch.ones(4, 8)
        parts = tracker.part_bytes()
    assert (parts["weights"], parts["gradients"], parts["logits"]) == (MEGABYTE, logits.nbytes, wide.nbytes)


def test_memory_that_is_not_written_to_takes_none():
    with Tracker(vocabulary=0) as tracker:
        room = torch.empty(8, 4 * PAGE)
        before = tracker.moment().bytes
        room[:, :10].copy_(torch.ones(8, 10))
        after = tracker.part_bytes()["activations"]
        room.fill_(0)
    assert before == 0
    assert after == 8 * PAGE
    assert tracker.part_bytes()["activations"] == room.nbytes


def test_products_are_counted():
    with Tracker(vocabulary=0) as tracker:
        torch.ones(3, 5) @ torch.ones(5, 7)
    assert tracker.flops == {"torch.float32": 2 * 3 * 5 * 7}

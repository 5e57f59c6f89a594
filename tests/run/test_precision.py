"""The precision that suits the machine and the model."""

from __future__ import annotations

import time

import pytest
import torch

from studio.errors import StudioError
from studio.home import STARTER
from studio.recipe.model_folder import Widths, widths
from studio.run import precision as precision_module
from studio.run.precision import MOST_TOKENS, choose_precision, speed_ratio


@pytest.fixture
def cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpu(monkeypatch):
    """Pretends that there is one; `gpu(False)`: one without bfloat16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return lambda has: monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: has)


@pytest.mark.parametrize(
    ("ratio", "autocast", "word"), [(2.0, "bf16", "2.0 times faster"), (1.0, None, "no faster"), (0.3, None, "0.3")]
)
def test_a_cpu_takes_what_it_is_faster_with(ratio, autocast, word, cpu, monkeypatch):
    monkeypatch.setattr(precision_module, "speed_ratio", lambda widths, tokens: ratio)
    precision = choose_precision("auto")
    assert (precision.weights, precision.autocast) == (torch.float32, autocast)
    assert word in precision.reason


@pytest.mark.parametrize(("has", "weights", "autocast"), [(True, "bfloat16", "bf16"), (False, "float16", "fp16")])
def test_a_gpu_takes_what_it_has(has, weights, autocast, gpu):
    gpu(has)
    precision = choose_precision("auto")
    assert (precision.weights, precision.autocast) == (getattr(torch, weights), autocast)
    assert "this GPU" in precision.reason
    assert precision.compute is getattr(torch, weights)


def test_what_is_asked_is_done(cpu):
    assert choose_precision("float32").autocast is None
    bfloat16 = choose_precision("bfloat16")
    assert (bfloat16.weights, bfloat16.autocast, bfloat16.compute) == (torch.float32, "bf16", torch.bfloat16)
    with pytest.raises(StudioError, match="Set precision to auto"):
        choose_precision("float16")


def test_the_model_decides_what_is_tried(cpu, monkeypatch):
    tried = []
    monkeypatch.setattr(precision_module, "speed_ratio", lambda *asked: tried.append(asked) or 1.0)
    choose_precision("auto", widths(STARTER), 96)
    choose_precision("auto")
    choose_precision("float32", widths(STARTER), 96)
    assert tried[0] == (Widths(192, 512), 96)
    assert len(tried) == 2


def test_wide_layers_gain_more_than_narrow_ones():
    """On a CPU without bfloat16 both ratios are below 1, and in the same order."""
    narrow, wide = (speed_ratio(each, MOST_TOKENS) for each in (Widths(64, 128), Widths(576, 1536)))
    assert narrow < wide


def test_a_look_is_cheap_and_leaves_the_threads_as_they_were():
    threads, began = torch.get_num_threads(), time.thread_time()
    speed_ratio(Widths(8192, 28_672), 1_000_000)
    small = time.thread_time() - began
    assert torch.get_num_threads() == threads
    began = time.thread_time()
    matrix = torch.ones(2048, 2048)
    with precision_module._one_thread():
        for _ in range(10):
            matrix @ matrix
    assert small < 3 * (time.thread_time() - began), "no more than thirty products of this size"

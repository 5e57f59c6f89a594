"""What a run needs of the disk, and what is said where there is less."""

from __future__ import annotations

import errno

import pytest
import torch

from studio.run import disk
from studio.run.disk import BESIDE, SPARE, Needs, is_full, needs_of, require_room, size
from studio.run.trouble import Trouble


def model(trained: int, frozen: int) -> torch.nn.Module:
    made = torch.nn.Module()
    made.trained = torch.nn.Parameter(torch.zeros(trained))
    made.frozen = torch.nn.Parameter(torch.zeros(frozen, dtype=torch.bfloat16), requires_grad=False)
    return made


def test_an_adapter_needs_what_moves_with_its_optimiser(make_recipe):
    needs = needs_of(model(1000, 10**6), make_recipe({"training.save_steps": 5}), tokenizer=500)
    assert needs == Needs(checkpoint=1000 * (4 + 8) + BESIDE, result=4000 + 500 + BESIDE, kept=2)


def test_a_whole_model_needs_all_and_keeps_no_checkpoint_that_nobody_asked_for(make_recipe):
    needs = needs_of(model(1000, 10**6), make_recipe({"method.name": "full", "training.optimizer": "adamw-8bit"}))
    assert needs.result == 4000 + 2 * 10**6 + BESIDE
    assert 6000 < needs.checkpoint - BESIDE < 6100
    assert needs.kept == 0


def test_it_is_refused_or_warned_of_or_nothing_is_said(tmp_path, monkeypatch):
    needs = Needs(checkpoint=10**9, result=10**8, kept=2)
    free = [0]
    monkeypatch.setattr(disk, "room", lambda folder: free[0])
    free[0] = 10**9
    with pytest.raises(Trouble, match=r"has 1 GB left .* need 1\.1 GB") as refused:
        require_room(tmp_path, needs)
    assert refused.value.cause == "disk"
    free[0] = 2 * 10**9
    assert "may need 3.1 GB" in require_room(tmp_path, needs)
    free[0] = 3 * 10**9 + 10**8 + SPARE
    assert require_room(tmp_path, needs) == ""


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, ""), True),
        (OSError(errno.EDQUOT, ""), True),
        (
            RuntimeError("PytorchStreamWriter failed writing file data.pkl"),
            True,
        ),
        (OSError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("shapes differ"), False),
    ],
)
def test_a_full_disk_is_known_whoever_says_so(error, full):
    assert is_full(error) is full


def test_sizes_in_words():
    assert [size(count) for count in (12, 1500, 2.5e9, 3e13)] == ["12 bytes", "1.5 kB", "2.5 GB", "30 TB"]

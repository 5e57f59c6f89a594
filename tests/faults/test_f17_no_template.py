"""F17: a base without a chat template. A plain one is used, told, kept with the result, and asked with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio.run.directory import Status
from studio.run.events import Decision

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    settings.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def test_it_trains_says_so_and_answers_with_the_template_that_it_learned(make_run, base: Path) -> None:
    from studio.answer.engine import Engine
    from studio.answer.prompts import prompt_ids
    from studio.answer.voice import Voice
    from studio.run.train import train

    run = make_run({"model.id": str(base), "training.max_steps": 3})
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    told = [event for event in run.events()[0] if isinstance(event, Decision) and "template" in event.choice]
    assert [event.reason for event in told] == ["the base has no chat template"]
    (seat,) = Engine().seats([Voice.of_run(str(run.path))])
    ids = prompt_ids(seat.tokenizer, [{"role": "user", "content": "Colour 1?"}])
    assert seat.tokenizer.decode(ids) == "Colour 1?\n"

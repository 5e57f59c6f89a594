"""The stand-alone program of a recipe or a run with its rows, as a zip to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from studio.data.example import Examples, asked_text
from studio.data.export import write_rows
from studio.errors import StudioError
from studio.home import STARTER, Home
from studio.recipe.models import STARTER_ID, facts, fetch, locate
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import DirectPreference, LanguageModeling, MaskedLanguageModeling, SequenceClassification
from studio.run.begun_from import adapter_to_begin_from, begun_from
from studio.run.directory import BEGUN_FROM, Run
from studio.run.submit import prepare_part
from studio.share.naming import public_base
from studio.share.result import public_recipe
from studio.share.script import PACKAGES, Form, Known, script
from studio.share.whole import written_whole

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WANTED_OF_STARTER = (".json", ".jinja", ".safetensors")
WANTED_OF_ADAPTER = (".json", ".safetensors")
PRECISIONS = {"bf16": "bfloat16", "fp16": "float16", "float32": "float32"}


def zip_script(home: Home, asked: Run | Recipe, to: Path) -> Path:
    """Write the program, its rows, the recipe and what to install as a zip into the folder `to`; returns its path.

    The zip is written elsewhere and renamed when whole. Imports the training libraries.

    Raises:
        StudioError: there are no rows, the base model cannot be used, or the folder cannot be written to.
    """
    recipe = asked.recipe if isinstance(asked, Run) else asked
    name = asked.name if isinstance(asked, Run) else f"{recipe.method.name}-{recipe.task.name}"
    train, held_out = _rows(home, asked)
    known = _known(home, asked, recipe, train, held_out)
    path = to / f"{name}-script.zip"
    with written_whole(path, "script") as draft, ZipFile(draft, "w", ZIP_DEFLATED) as archive:
        _fill(archive, recipe, known, {"train": train, "held_out": held_out})
    return path


def _fill(archive: ZipFile, recipe: Recipe, known: Known, parts: dict[str, Examples]) -> None:
    text = script(recipe, known)
    archive.writestr("train.py", text)
    archive.writestr("recipe.yaml", public_recipe(recipe, public_base(recipe.model.id)).to_yaml())
    used = [name for name in PACKAGES if name in text.partition('"""\n\nfrom')[0]]
    archive.writestr("requirements.txt", "".join(f"{name}=={version(name)}\n" for name in used))
    for name, rows in parts.items():
        if len(rows):
            some = rows if name == "train" or known.form in ("pairs", "trl") else rows[: known.checked]
            with archive.open(f"{name}.jsonl", "w", force_zip64=True) as file:
                _write(some, recipe, known, file)
    if known.begin_from is not None:
        for path in sorted(known.begin_from.iterdir()):
            if path.suffix in WANTED_OF_ADAPTER:
                archive.write(path, f"{BEGUN_FROM}/{path.name}")
    if recipe.model.id.strip() == STARTER_ID:
        for path in sorted(STARTER.iterdir()):
            if path.suffix in WANTED_OF_STARTER:
                archive.write(path, f"starter/{path.name}")


def _rows(home: Home, asked: Run | Recipe) -> tuple[Examples, Examples]:
    if isinstance(asked, Run):
        return asked.examples("train"), asked.examples("held_out")
    if not asked.data.path:
        raise StudioError("The recipe names no data, so the script would have no rows. Set data.path, or name a run.")
    prepared = prepare_part(asked.data, home)
    if prepared.report.errors:
        raise StudioError(*prepared.report.errors)
    return prepared.train, prepared.held_out


def _known(home: Home, asked: Run | Recipe, recipe: Recipe, train: Examples, held_out: Examples) -> Known:
    classes: tuple[str, ...] = ()
    located = locate(recipe.model.id)
    folder = fetch(located) if isinstance(asked, Run) else located.folder
    checked = min(len(held_out), recipe.training.evaluation_rows) if recipe.training.evaluations else 0
    if isinstance(recipe.task, SequenceClassification):
        from studio.run.tasks.sequence_classification import classes_of

        classes = classes_of(train, recipe.task.most_classes)
    begin_from = begun_from(asked) if isinstance(asked, Run) else adapter_to_begin_from(home, recipe)
    known = Known(
        classes=classes,
        begin_from=begin_from,
        rows=len(train),
        checked=checked,
        form=_form(recipe, train, folder),
        folder=folder,
        plain=_writes(recipe) and folder is not None and not facts(folder).has_chat_template,
    )
    return _as_it_ran(asked, known) if isinstance(asked, Run) else known


def _as_it_ran(run: Run, known: Known) -> Known:
    """With what the run found out when it was trained: which rows were of use, and how it computed."""
    from studio.run.train import precision_of

    recipe, rows = run.recipe, known.rows
    for event in run.events()[0]:
        if event.kind == "started":
            rows = event.rows
        elif event.kind == "decision" and event.choice.removeprefix("precision ") in PRECISIONS:
            said = PRECISIONS[event.choice.removeprefix("precision ")]
            recipe = changed(recipe, {"training.precision": said})
    return replace(known, rows=rows, precision=precision_of(recipe, known.folder), name=run.name)


def _writes(recipe: Recipe) -> bool:
    return isinstance(recipe.task, LanguageModeling)


def _form(recipe: Recipe, rows: Examples, folder: Path | None) -> Form:
    """How the rows are written, so that the same tokens are made of them as in the studio."""
    if not _writes(recipe):
        chunked = isinstance(recipe.task, MaskedLanguageModeling) and recipe.data.chunks.by != "whole"
        return "tokens" if chunked and folder else "texts"
    if not rows.has("messages"):
        if rows.type != "language modeling":
            return "pairs"
        return "trl" if recipe.data.chunks.by == "whole" or folder is None else "tokens"
    if rows.type == "language modeling" and folder is not None and not _by_markers(recipe, rows, folder):
        return "tokens"
    return "trl"


def _by_markers(recipe: Recipe, rows: Examples, folder: Path) -> bool:
    """Whether every answer is learned from, and the template itself says where answers are."""
    from studio.data.tokens.render import Renderer

    weighed = any(each.get("weight") == 0 for example in rows for each in example.conversation)
    every = recipe.data.mapped.train_on == "every answer" and all(example.conversation for example in rows)
    return every and not weighed and Renderer(_tokenizer(folder)).has_markers


def _tokenizer(folder: Path, speaks: bool = True) -> PreTrainedTokenizerBase:
    from studio.run.tokenizer import load_tokenizer

    return load_tokenizer(folder, speaks)[0]


def _write(rows: Examples, recipe: Recipe, known: Known, file: IO[bytes]) -> None:
    if known.form == "trl":
        write_rows(rows, ".jsonl", file)
        return
    made = {"pairs": _pairs, "texts": _texts, "tokens": _tokens}[known.form]
    for row in made(rows, recipe, known):
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _pairs(rows: Examples, recipe: Recipe, known: Known) -> Iterator[dict[str, object]]:
    if isinstance(recipe.task, DirectPreference):
        return ({"prompt": each.prompt, "chosen": each.completion, "rejected": each.rejected} for each in rows)
    return ({"prompt": each.prompt, "completion": each.completion} for each in rows)


def _texts(rows: Examples, recipe: Recipe, known: Known) -> Iterator[dict[str, object]]:
    """Texts with their classes, or all that a row says as one text. What the task cannot use is left out."""
    for each in rows:
        if known.classes:
            text, label = asked_text(each.prompt, each.completion, each.messages), each.completion.strip()
            if text.strip() and label in known.classes:
                yield {"text": text, "label": label}
        else:
            text = "\n".join(filter(None, (asked_text(each.prompt, "", each.messages), each.completion)))
            if text.strip():
                yield {"text": text}


def _tokens(rows: Examples, recipe: Recipe, known: Known) -> Iterator[dict[str, object]]:
    """Ids and labels, as the studio's trainer gets them."""
    from studio.data.tokens.encoded import cut_at
    from studio.run.study.tokens import Encoding, encoded_rows
    from studio.run.tasks.texts import chunk_texts

    assert known.folder is not None
    tokenizer, longest = _tokenizer(known.folder, _writes(recipe)), recipe.training.max_length
    if not _writes(recipe):
        texts = [(place, str(row["text"])) for place, row in enumerate(_texts(rows, recipe, known))]
        return ({"input_ids": ids} for ids in chunk_texts(texts, tokenizer, recipe.data.chunks, longest).input_ids)
    encoded = cut_at(encoded_rows(rows, Encoding.of(recipe.data, tokenizer, longest)).encoded, longest)
    return (row for batch in encoded.for_trainer().to_batches() for row in batch.to_pylist())

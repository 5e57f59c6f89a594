"""The Data tab: choose pairs, see them and what is wrong with them, hold some out."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.data.dataset import Prepared
from studio.data.part import DataPart
from studio.data.read import read
from studio.data.source import data_file
from studio.data.table import preview
from studio.data.wording import counted
from studio.errors import StudioError
from studio.home import ASSETS, CHECKOUT, Home
from studio.run.submit import prepare_part
from studio.ui.form import Form
from studio.ui.refusal import refusal
from studio.ui.words import figures, note, notes

SAMPLES = ASSETS / "samples"
FILE_TYPES = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"]
SHOWN_ROWS = 100
ALL_ROWS = "all rows"
HASH_BYTES = 1 << 20
HEADERS = ["row", "part", "prompt", "completion"]
NO_DATA = note("note", "No data yet. Choose a sample to try the studio, or upload a CSV, JSON or JSONL file of pairs.")


@dataclass(frozen=True)
class DataTab:
    """The tab's components that its handlers fill."""

    sample: gr.Radio
    upload: gr.File
    prompt: gr.Dropdown
    completion: gr.Dropdown
    split: Form[DataPart]
    held_out: gr.File
    report: gr.HTML
    which: gr.Dropdown
    rows: gr.Dataframe


def build(home: Home, data: gr.State) -> DataTab:
    """Draw the tab and connect it to the state that holds the recipe's data part."""
    tab = _draw(data.value)
    shown = [tab.report, tab.prompt, tab.completion, tab.which, tab.rows]
    tab.sample.input(choose_sample, [tab.sample, data], data)
    tab.upload.upload(partial(take_upload, home), [tab.upload, data], [data, tab.sample, tab.upload])
    tab.held_out.upload(partial(take_held_out, home), [tab.held_out, data], data)
    tab.held_out.clear(lambda part: part.model_copy(update={"held_out_path": ""}), data, data)
    for column in (tab.prompt, tab.completion):
        column.input(choose_columns, [tab.prompt, tab.completion, data], data)
    share, seed = tab.split.fields["held_out_share"], tab.split.fields["split_seed"]
    for part in (share, seed):
        part.change(choose_split, [share, seed, data], data, show_progress="hidden", trigger_mode="always_last")
    data.change(show, data, shown)
    tab.which.input(show_rows, [tab.which, data], tab.rows)
    return tab


def _draw(part: DataPart) -> DataTab:
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            sample = gr.Radio(
                samples(),
                value=sample_of(part),
                label="Try a bundled sample",
                info="Small tasks that the starter model can learn in about a minute.",
                elem_id="sample",
            )
            upload = gr.File(label="Or upload your own: CSV, JSON, JSONL", file_types=FILE_TYPES, elem_id="upload")
            with gr.Row():
                prompt = gr.Dropdown(label="Prompt column", info="What is asked.", elem_id="prompt-column")
                completion = gr.Dropdown(label="Completion column", info="The answer.", elem_id="completion-column")
            split: Form[DataPart] = Form(
                DataPart, "data", leave_out=("path", "prompt_column", "completion_column", "held_out_path")
            )
            with gr.Accordion("Held-out rows from a file of their own", open=False):
                held_out = gr.File(label="Held-out pairs (the share is then not used)", file_types=FILE_TYPES)
        with gr.Column(scale=3, min_width=320):
            report = gr.HTML(NO_DATA, elem_id="data-report")
            which = gr.Dropdown(
                [ALL_ROWS], value=ALL_ROWS, label="Rows to look at", info=f"The first {SHOWN_ROWS} are shown."
            )
            rows = gr.Dataframe(
                headers=HEADERS,
                datatype=["number", "str", "str", "str"],
                interactive=False,
                wrap=True,
                max_height=460,
                column_widths=["70px", "100px", "40%", "40%"],
                elem_id="rows",
            )
    return DataTab(sample, upload, prompt, completion, split, held_out, report, which, rows)


def samples() -> list[str]:
    """The names of the bundled samples: each is a folder with train.* and held_out.*."""
    return sorted(folder.name for folder in SAMPLES.iterdir() if any(folder.glob("train.*")))


def sample_of(part: DataPart) -> str | None:
    """The sample that a data part names, if it names one."""
    folder = data_file(part.path).resolve().parent if part.path else None
    return folder.name if folder is not None and folder.parent == SAMPLES else None


def choose_sample(name: str, part: DataPart) -> DataPart:
    """The data part for a bundled sample."""
    paths = {
        stem: str(next((SAMPLES / name).glob(f"{stem}.*")).relative_to(CHECKOUT)) for stem in ("train", "held_out")
    }
    update = {"path": paths["train"], "held_out_path": paths["held_out"], "prompt_column": "", "completion_column": ""}
    return part.model_copy(update=update)


def take_upload(home: Home, file: str, part: DataPart) -> tuple[DataPart, Any, Any]:
    """The data part for an uploaded file, which is kept in the studio's home."""
    update = {"path": str(_kept(home, Path(file))), "held_out_path": "", "prompt_column": "", "completion_column": ""}
    label = f"{Path(file).name} is chosen. Drop another file to replace it"
    return part.model_copy(update=update), gr.update(value=None), gr.update(value=None, label=label)


def take_held_out(home: Home, file: str, part: DataPart) -> DataPart:
    """The data part with an uploaded file of held-out rows."""
    return part.model_copy(update={"held_out_path": str(_kept(home, Path(file)))})


def _kept(home: Home, file: Path) -> Path:
    """A copy of an upload under its content's hash: the same file twice is one file, and runs can be repeated."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(HASH_BYTES):
                digest.update(block)
        folder = home.uploads / digest.hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        draft = folder / f".{file.name}.part"
        shutil.copyfile(file, draft)
        return draft.rename(folder / file.name)
    except OSError as error:
        message = (
            f"The file could not be kept in {home.uploads} ({error.strerror}). Free some space and upload it again."
        )
        raise refusal(message, "Not kept") from None


def choose_columns(prompt: str | None, completion: str | None, part: DataPart) -> DataPart:
    """The data part with columns that were picked by hand."""
    return part.model_copy(update={"prompt_column": prompt or "", "completion_column": completion or ""})


def choose_split(share: float, seed: float | None, part: DataPart) -> Any:
    """The data part with another held-out share or seed."""
    new = part.model_copy(update={"held_out_share": share, "split_seed": int(seed or 0)})
    return gr.skip() if new == part else new


def show(part: DataPart) -> tuple[Any, ...]:
    """Report, column choices and rows for a data part."""
    if not part.path:
        return NO_DATA, gr.update(choices=[], value=None), gr.update(choices=[], value=None), _which([]), []
    try:
        prepared = prepare_part(part)
    except StudioError as error:
        columns = _columns(part)
        picked = [name if name in columns else None for name in (part.prompt_column, part.completion_column)]
        choices = [gr.update(choices=columns, value=name) for name in picked]
        return note("error", *error.problems), *choices, _which([]), []
    choices = [
        gr.update(choices=list(prepared.table.columns), value=name)
        for name in (prepared.mapping.prompt, prepared.mapping.completion)
    ]
    return _report(part, prepared), *choices, _which(_kinds(prepared)), _rows(part, prepared, ALL_ROWS)


def show_rows(which: str, part: DataPart) -> list[list[Any]]:
    """The rows of one finding, or all."""
    try:
        return _rows(part, prepare_part(part), which)
    except StudioError:
        return []


def _columns(part: DataPart) -> list[str]:
    """The columns of a file that could be read but not mapped; empty where it could not be read."""
    try:
        return list(read(data_file(part.path)).columns)
    except StudioError:
        return []


def _kinds(prepared: Prepared) -> list[str]:
    return [finding.kind for finding in prepared.report.findings if finding.rows]


def _which(kinds: list[str]) -> Any:
    return gr.update(choices=[ALL_ROWS, *kinds], value=ALL_ROWS)


def _report(part: DataPart, prepared: Prepared) -> str:
    table, report = prepared.table, prepared.report
    head = figures(
        [
            ("Rows", f"{report.rows:,}"),
            ("To train on", f"{len(prepared.train):,}"),
            ("Held out", f"{len(prepared.held_out):,}"),
            ("Left out", f"{len(report.left_out):,}"),
            ("Prompt", f"{report.prompt_characters.median:,} characters"),
            ("Completion", f"{report.completion_characters.median:,} characters"),
        ]
    )
    read_as = f"{table.name}: read as {table.format.upper()}, {table.encoding}."
    parts = [head, note("note", read_as, prepared.mapping.reason, *table.notes)]
    findings = [(finding.severity, finding.message) for finding in report.findings]
    if prepared.held_out_report:
        findings += [
            (finding.severity, f"Held-out file: {finding.message}") for finding in prepared.held_out_report.findings
        ]
    if not findings:
        parts.append(note("note", f"Nothing is wrong with {counted(report.rows, 'row')}. Ready to train."))
    for severity in ("error", "warning", "note"):
        parts.append(notes(severity, (message for kind, message in findings if kind == severity)))
    return "".join(parts)


def _rows(part: DataPart, prepared: Prepared, which: str) -> list[list[Any]]:
    place = {pair.row: "train" for pair in prepared.train}
    if not part.held_out_path:
        place |= {pair.row: "held out" for pair in prepared.held_out}
    wanted = None
    if which != ALL_ROWS:
        wanted = {row for finding in prepared.report.findings if finding.kind == which for row in finding.rows}
    names = [prepared.mapping.prompt or "", prepared.mapping.completion or ""]
    rows: list[list[Any]] = []
    for number, cells in zip(prepared.table.numbers.tolist(), prepared.table.rows, strict=True):
        if wanted is None or number in wanted:
            rows.append([number, place.get(number, "left out"), *(preview(cells.get(name)) for name in names)])
        if len(rows) == SHOWN_ROWS:
            break
    return rows

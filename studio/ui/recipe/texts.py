"""The recipe as texts to take away: YAML, the command that runs it, and a program that needs no studio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components import Component

from studio.errors import StudioError
from studio.recipe.cluster import on_machines, slurm_job
from studio.recipe.command import command
from studio.recipe.recipe import Recipe
from studio.ui.draft import Draft, Values
from studio.ui.recipe.program import write_program
from studio.ui.studio import Studio
from studio.ui.words import note

SAVE = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/plain"}));
  link.download = "%s";
  link.click();
  URL.revokeObjectURL(link.href);
}"""
ABOUT = note(
    "note", "The same training as one Python file for TRL, with its rows: it needs no studio and gives the same losses."
)
WRITING = note("note", "The script is being written. That takes the time it takes to load the training libraries.")
STALE = note("note", "The recipe has changed since the script was written. Write it again to have the new one.")


@dataclass(frozen=True)
class Texts:
    """The texts that follow the recipe, the program that is written on request, and a way to take a recipe back in."""

    yaml: gr.Code
    command: gr.Code
    machines: gr.Code
    slurm: gr.Code
    upload: gr.UploadButton
    program: gr.Code
    told: gr.HTML
    write: gr.Button

    @property
    def outputs(self) -> list[Component]:
        return [self.yaml, self.command, self.machines, self.slurm]

    def show(self, recipe: Recipe) -> list[Any]:
        """The values of `outputs`."""
        return [recipe.to_yaml(), command(recipe), on_machines(recipe), slurm_job(recipe)]


def build(start: Recipe) -> Texts:
    """Draw the texts as inner tabs, each to be copied and downloaded."""
    with gr.Tabs(elem_id="recipe-texts"):
        with gr.Tab("YAML"):
            yaml = _code(start.to_yaml(), "yaml", "This recipe as YAML", "recipe-yaml")
            with gr.Row():
                _download(yaml, "recipe.yaml")
                upload = gr.UploadButton("Upload a recipe", file_types=[".yaml", ".yml"], size="sm")
        with gr.Tab("Command"):
            line = _code("", "shell", "Trains this recipe without a browser", "recipe-command")
            _download(line, "train.sh")
        with gr.Tab("More machines"):
            machines = _code("", "shell", "Trains this recipe on several machines", "recipe-machines")
            slurm = _code("", "shell", "The same as a job for Slurm", "recipe-slurm")
            _download(slurm, "job.sh")
        with gr.Tab("Script"):
            told = gr.HTML(ABOUT, elem_id="recipe-script-told", apply_default_css=False)
            write = gr.Button("Write the script", size="sm", elem_id="recipe-script-write")
            program = _code("", "python", "train.py", "recipe-script", visible=False)
    return Texts(yaml, line, machines, slurm, upload, program, told, write)


def connect(studio: Studio, draft: Draft, texts: Texts) -> None:
    """The program is written on request, and no longer shown when the recipe is another one."""
    written = [texts.told, texts.program]
    texts.write.click(
        partial(write, studio, draft, texts), draft.components, written, concurrency_limit=1, show_progress="hidden"
    )
    texts.yaml.change(partial(grow_stale, texts), texts.program, written, show_progress="hidden")


def write(studio: Studio, draft: Draft, texts: Texts, values: Values) -> Iterator[dict[Any, Any]]:
    """The program's text and a link to it with its rows, or why there is none."""
    yield {texts.told: WRITING}
    try:
        archive, text = write_program(studio.home, draft.recipe(values))
    except StudioError as error:
        yield {texts.told: note("error", *error.problems)}
        return
    address = f"studio/exports/{quote(archive.parent.name)}/{quote(archive.name)}"
    link = f'<a class="download" href="{address}" download>Download {escape(archive.name)}</a>'
    yield {texts.told: f'<p class="downloads">{link}</p>', texts.program: gr.update(value=text, visible=True)}


def grow_stale(texts: Texts, program: str) -> dict[Any, Any]:
    """That the program is of another recipe, where there is one."""
    if not program:
        return {texts.program: gr.skip()}
    return {texts.told: STALE, texts.program: gr.update(value="", visible=False)}


def _code(value: str, language: Any, label: str, elem_id: str, visible: bool = True) -> gr.Code:
    return gr.Code(
        value,
        language=language,
        label=label,
        interactive=False,
        max_lines=24,
        elem_id=elem_id,
        buttons=["copy"],
        visible=visible,
    )


def _download(code: gr.Code, name: str) -> None:
    gr.Button(f"Download {name}", size="sm").click(None, code, None, js=SAVE % name)

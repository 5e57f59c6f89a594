"""The recipe as texts to take away: YAML, the command that runs it, and a script that needs no studio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.recipe.recipe import Recipe

SAVE = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/plain"}));
  link.download = "%s";
  link.click();
  URL.revokeObjectURL(link.href);
}"""


@dataclass(frozen=True)
class Texts:
    """The three texts, and the button that takes a recipe back in."""

    yaml: gr.Code
    command: gr.Code
    script: gr.Code
    upload: gr.UploadButton

    @property
    def outputs(self) -> list[Component]:
        return [self.yaml, self.command, self.script]

    def show(self, recipe: Recipe) -> list[Any]:
        """The values of `outputs`."""
        return [recipe.to_yaml(), "python -m studio train recipe.yaml", ""]


def build(start: Recipe) -> Texts:
    """Draw the texts as inner tabs, each with copy and download."""
    with gr.Tabs(elem_id="recipe-texts"):
        with gr.Tab("YAML"):
            yaml = _code(start.to_yaml(), "yaml", "This recipe as YAML", "recipe-yaml")
            with gr.Row():
                _download(yaml, "recipe.yaml")
                upload = gr.UploadButton("Upload a recipe", file_types=[".yaml", ".yml"], size="sm")
        with gr.Tab("Command"):
            command = _code("", "shell", "Trains this recipe without a browser", "recipe-command")
            _download(command, "train.sh")
        with gr.Tab("Script"):
            script = _code("", "python", "The same training with TRL alone, without the studio", "recipe-script")
            _download(script, "train.py")
    return Texts(yaml, command, script, upload)


def _code(value: str, language: Any, label: str, elem_id: str) -> gr.Code:
    return gr.Code(
        value, language=language, label=label, interactive=False, max_lines=24, elem_id=elem_id, buttons=["copy"]
    )


def _download(code: gr.Code, name: str) -> None:
    gr.Button(f"Download {name}", size="sm").click(None, code, None, js=SAVE % name)

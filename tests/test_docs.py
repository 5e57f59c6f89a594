"""What the README says is so: methods, commands, variables, front matter."""

from __future__ import annotations

import re
import shlex

import gradio as gr
import pytest
import yaml

from studio.cli.parser import parse
from studio.home import CHECKOUT, Home
from studio.recipe.methods.every import METHODS
from studio.run.launchers import ThreadLauncher
from studio.ui.page import build
from studio.ui.studio import Studio

README = (CHECKOUT / "README.md").read_text("utf-8")


def test_the_methods_table_is_the_registry() -> None:
    table = README.split("<!-- methods -->")[1].split("<!-- /methods -->")[0]
    rows = [f"| {method.title} | {method.when} | {method.source} |" for method in METHODS]
    assert table.strip().splitlines()[2:] == rows


def test_every_command_of_the_readme_is_one() -> None:
    commands = re.findall(r"python -m studio (.+?)(?:\s{3,}|$)", README, re.MULTILINE)
    assert len(commands) >= 7
    for command in commands:
        assert parse(shlex.split(command)).verb


def test_the_tabs_of_the_readme_are_those_of_the_page(home: Home) -> None:
    section = README.split("## What it does")[1].split("###")[0]
    blocks = build(Studio(home, ThreadLauncher())).blocks.values()
    tabs = [block.label for block in blocks if isinstance(block, gr.Tab) and block.parent.elem_id == "tabs"]
    assert re.findall(r"^\| ([A-Z][\w ]*?) \|", section, re.MULTILINE) == tabs


def test_the_front_matter_makes_a_space() -> None:
    front = yaml.safe_load(README.split("---")[1])
    assert front["sdk"] == "docker"
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    assert f"EXPOSE {front['app_port']}" in dockerfile
    assert f"STUDIO_PORT={front['app_port']}" in dockerfile
    assert "--uid 1000" in dockerfile


@pytest.mark.parametrize("name", ["STUDIO_HOME", "STUDIO_HOST", "STUDIO_PORT", "STUDIO_LAUNCHER"])
def test_every_variable_of_the_readme_is_read(name: str) -> None:
    assert f"`{name}`" in README
    assert name in (CHECKOUT / "app.py").read_text() + (CHECKOUT / "studio" / "home.py").read_text()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


def test_the_benchmarks_named_in_the_makefile_exist() -> None:
    names = re.search(r"for name in ([\w ]+);", (CHECKOUT / "Makefile").read_text())
    assert names
    page = (CHECKOUT / "benchmarks" / "README.md").read_text("utf-8")
    for name in names[1].split():
        assert (CHECKOUT / "benchmarks" / f"{name}.py").is_file()
        assert f"benchmarks/{name}.py" in page

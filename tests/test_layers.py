"""The house's one direction, data → recipe → run → answer → share, and what the page process never imports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from studio.home import CHECKOUT

HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "bitsandbytes"}
FLOORS = ("data", "recipe", "run", "answer", "share")
BELOW_ALL = {"studio", "studio.errors", "studio.home", "studio.intervals", "studio.knob"}
LOOK_AT_ALL = {"ui", "cli", "charts", "progress", "__main__"}


def module_name(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in [CHECKOUT / "app.py", *sorted((CHECKOUT / "studio").rglob("*.py"))]}


@dataclass(frozen=True)
class Import:
    """One import: what, in which line, whether at once when the module is loaded, or only for a type checker."""

    name: str
    line: int
    at_once: bool
    for_types: bool


def imports(module: str) -> Iterator[Import]:
    yield from _imports(ast.parse(SOURCES[module].read_text("utf-8")).body, at_once=True, for_types=False)


def _imports(nodes: list[ast.AST], at_once: bool, for_types: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(_known(alias.name), node.lineno, at_once, for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            for alias in node.names:
                yield Import(_known(f"{node.module}.{alias.name}"), node.lineno, at_once, for_types)
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            inner = list(ast.iter_child_nodes(node))
            yield from _imports(inner, at_once and not later and not types, for_types or types)


def _known(name: str) -> str:
    """`studio.run.events.Ended` is the module studio.run.events; other names stay."""
    while name.startswith("studio.") and name not in SOURCES:
        name = name.rpartition(".")[0]
    return name


def floor(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 40
    assert {floor(module) for module in SOURCES} >= {*FLOORS, "ui", "cli"}
    assert "studio.run.directory" in {each.name for each in imports("studio.run.queue")}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_go_one_way(module):
    here = floor(module)
    for each in imports(module):
        if not each.name.startswith("studio") or each.name in BELOW_ALL:
            continue
        there, where = floor(each.name), f"{module}, line {each.line}, imports {each.name}"
        assert module not in BELOW_ALL, f"{where}: what is below all imports nothing of the house"
        if there == "ui":
            assert here in {"ui", "app"}, f"{where}: nobody looks at ui"
        if there == "cli":
            assert here in {"cli", "__main__"}, f"{where}: only the command line looks at cli"
        if here in FLOORS:
            assert there in FLOORS, f"{where}: {here} comes before {there}"
            assert FLOORS.index(there) <= FLOORS.index(here), f"{where}: {here} comes before {there}"
        else:
            assert here in LOOK_AT_ALL | {"app"}, f"{where}: a new room has no place in the house yet"


def test_no_import_goes_in_a_circle():
    graph = {
        module: {each.name for each in imports(module) if each.name in SOURCES and not each.for_types} - {module}
        for module in SOURCES
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_nothing_heavy_is_imported_by_what_the_page_loads():
    """Walks from app.py along the imports that happen at once."""
    path_to: dict[str, list[str]] = {}
    waiting = [("app", ["app"]), ("studio.ui.page", ["studio.ui.page"])]
    while waiting:
        module, path = waiting.pop()
        if module in path_to:
            continue
        path_to[module] = path
        for each in imports(module):
            if each.at_once:
                assert each.name.split(".")[0] not in HEAVY, " → ".join([*path, f"{each.name} (line {each.line})"])
                if each.name in SOURCES:
                    waiting.append((each.name, [*path, each.name]))
    assert {"studio.ui.page", "studio.run.queue", "studio.recipe.recipe", "studio.data.files.read"} <= set(path_to)


def test_nothing_heavy_is_loaded_in_a_process_that_serves_the_page(tmp_path):
    """The page is built, asked for, and a run is submitted."""
    code = """
import json, sys
from fastapi.testclient import TestClient
import app
from studio.home import open_home
from studio.recipe.presets import preset_named
from studio.run.launchers import ThreadLauncher
from studio.run.submit import submit
from studio.ui.server import web_app
from studio.ui.studio import Studio
home = open_home(sys.argv[1])
studio = Studio(home, ThreadLauncher())
page = TestClient(web_app(studio, "127.0.0.1", 7860), base_url="http://127.0.0.1").get("/")
run = submit(home, preset_named("starter").recipe)
print(json.dumps({"page": page.status_code, "run": run.status(), "modules": list(sys.modules)}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=CHECKOUT, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["page"], found["run"]) == (200, "waiting")
    assert {name.split(".")[0] for name in found["modules"]} & HEAVY == set()
    assert "studio.ui.page" in found["modules"]


def test_no_file_is_named_utils():
    names = {"util", "utils", "helper", "helpers", "common", "misc", "tools"}
    found = [str(path) for folder in ("studio", "tests") for path in (CHECKOUT / folder).rglob("*.py")]
    assert found
    assert [path for path in found if Path(path).stem in names] == []


@pytest.mark.parametrize("module", [name for name in SOURCES if name != "studio"])
def test_every_module_says_what_it_is_for(module):
    source = SOURCES[module].read_text("utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source))

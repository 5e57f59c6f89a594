"""README.md beside this file lists every fault, and each test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from studio.home import CHECKOUT

PAGE = (Path(__file__).parent / "README.md").read_text("utf-8")
ROW = re.compile(r"^\| F(\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FAULTS = range(1, 36)


@cache
def functions(path: Path) -> frozenset[str]:
    """The tests of a file, those in classes included."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(each.name for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_fault_has_one_row_in_order() -> None:
    assert [int(number) for number, *_ in ROW.findall(PAGE)] == list(FAULTS)


@pytest.mark.parametrize("number", FAULTS)
def test_what_shows_a_fault_exists(number: int) -> None:
    tests = next(row[3] for row in ROW.findall(PAGE) if int(row[0]) == number)
    named = NAMED.findall(tests)
    assert named, f"F{number} names no test"
    assert [f"{file}::{name}" for file, name in named if not (CHECKOUT / file).is_file()] == []
    assert [f"{file}::{name}" for file, name in named if name not in functions(CHECKOUT / file)] == []


def test_every_fault_test_is_listed() -> None:
    """A file tests/faults/test_fNN_*.py is named in row NN."""
    rows = {int(number): tests for number, _, _, tests in ROW.findall(PAGE)}
    files = sorted(Path(__file__).parent.glob("test_f[0-9][0-9]_*.py"))
    assert files
    assert [path.name for path in files if f"tests/faults/{path.name}::" not in rows[int(path.name[6:8])]] == []

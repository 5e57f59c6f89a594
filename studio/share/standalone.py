"""What a tuning method does at training time, as source text that stands without the studio.

Taken from the method's own class: the hooks that it has, and whatever of the studio these use, so that a new method
needs no word here.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from studio.recipe.methods.method import TuningMethod
from studio.share.spelled import spelled

HOOKS = ("choose", "optimizer", "callbacks", "result")
HOUSE = "studio."
STUDIO_ONLY = ("Saves", "CountsTokens")  # what trainers of the studio do for its events and its resuming


@dataclass
class Standalone:
    """Source text: `imports`, and `definitions` in the order they have to come in. `hooks` are those the method has."""

    hooks: tuple[str, ...] = ()
    imports: dict[str, None] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)

    def need(self, name: str, module: ModuleType) -> None:
        """Whatever `name` means in `module`: an import is written down, a definition taken over with all it needs."""
        if name in self.definitions or name in STUDIO_ONLY:
            return
        meant = _meanings(module).get(name)
        if isinstance(meant, ast.ImportFrom) and str(meant.module).startswith(HOUSE):
            self.need(name, import_module(str(meant.module)))
        elif isinstance(meant, ast.Import | ast.ImportFrom):
            self.imports[_one_import(meant, name)] = None
        elif meant is not None and _text(meant, inspect.getsource(module)) not in self.definitions.values():
            self.take(name, _text(meant, inspect.getsource(module)), module)

    def take(self, name: str, source: str, module: ModuleType) -> None:
        """Keep the text of a definition, after all that it uses."""
        self.definitions[name] = ""  # one that names itself is not taken twice
        source = self.freed(source, module)
        del self.definitions[name]
        self.definitions[name] = source

    def freed(self, source: str, module: ModuleType) -> str:
        """The text without type hints and the house's imports; what it uses is taken over."""
        tree = ast.parse(source)
        inner = [each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
        bound = {alias.asname or alias.name for each in inner for alias in each.names}
        house = [each for each in inner if str(each.module).startswith(HOUSE)]
        for each in house:
            for alias in each.names:
                self.need(alias.name, import_module(str(each.module)))
        for name in _used(tree):
            if name not in bound:
                self.need(name, module)
        text = _without(source, [*_hints(tree), *map(_whole, house)])
        text = re.sub(rf"\b({'|'.join(STUDIO_ONLY)}), ", "", text)
        return re.sub(r"  # (type: ignore|noqa|fmt:).*", "", text)


def standalone(method: TuningMethod) -> Standalone | None:
    """The class of `method` with its options set, as source; None where it does nothing but put an adapter on."""
    kind = type(method)
    hooks = tuple(name for name in HOOKS if getattr(kind, name) is not getattr(TuningMethod, name))
    if not hooks:
        return None
    found = Standalone(hooks)
    members, options = _members(kind, hooks), {}
    for source in members.values():
        for name in _of_self(ast.parse(source)):
            if name not in members and not callable(value := getattr(method, name, callable)):
                options[name] = spelled(value)
    body = [f'class {kind.__name__}:\n    """{(kind.__doc__ or kind.title).strip()}"""']
    body.append("\n".join(f"    {name} = {value}" for name, value in options.items()))
    for name, source in members.items():
        module = sys.modules[_owner(kind, name).__module__]
        body.append(textwrap.indent(found.freed(source, module), "    "))
    found.definitions[kind.__name__] = "\n\n".join(part for part in body if part)
    return found


def _members(kind: type[TuningMethod], wanted: Iterable[str]) -> dict[str, str]:
    """The source of the methods named and of those that they call, in the order of need."""
    found: dict[str, str] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop(0)
        owner = _owner(kind, name)
        if name in found or owner is TuningMethod or not owner.__module__.startswith(HOUSE):
            continue
        each = vars(owner)[name]
        function: Any = each.fget if isinstance(each, property) else getattr(each, "func", each)
        if not inspect.isfunction(getattr(function, "__func__", function)):
            continue
        found[name] = textwrap.dedent(inspect.getsource(function))
        waiting += _of_self(ast.parse(found[name]))
    return found


def _owner(kind: type, name: str) -> type:
    return next((each for each in kind.__mro__ if name in vars(each)), object)


Place = tuple[int, int]  # line and byte within it, both from 0
Stretch = tuple[Place, Place]


def _hints(tree: ast.AST) -> Iterator[Stretch]:
    """Where type hints stand, the sign before them included."""
    for each in ast.walk(tree):
        if isinstance(each, ast.arg) and each.annotation is not None:
            yield (each.lineno - 1, each.col_offset + len(each.arg.encode())), _end(each.annotation)
        elif isinstance(each, ast.AnnAssign) and each.value is not None:
            yield _end(each.target), _end(each.annotation)
        elif isinstance(each, ast.FunctionDef) and each.returns is not None:
            yield (each.returns.lineno - 1, each.returns.col_offset - len(" -> ")), _end(each.returns)


def _whole(statement: ast.stmt) -> Stretch:
    """A statement with its indentation and the end of its line."""
    return (statement.lineno - 1, 0), (statement.end_lineno or statement.lineno, 0)


def _end(node: ast.expr) -> Place:
    return (node.end_lineno or node.lineno) - 1, node.end_col_offset or 0


def _without(source: str, stretches: Iterable[Stretch]) -> str:
    lines = [line.encode() for line in source.splitlines(keepends=True)] + [b""]
    for (top, left), (bottom, right) in sorted(stretches, reverse=True):
        lines[top : bottom + 1] = [lines[top][:left] + lines[bottom][right:]]
    return b"".join(lines).decode().rstrip("\n")


def _of_self(tree: ast.AST) -> list[str]:
    return [
        each.attr
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "self"
    ]


def _used(tree: ast.AST) -> dict[str, None]:
    """The names that are read, those of annotations left out."""
    return dict.fromkeys(_names(tree))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from _names(each)


@cache
def _meanings(module: ModuleType) -> dict[str, ast.stmt]:
    """What binds each name at the top of a module."""
    found: dict[str, ast.stmt] = {}
    for each in ast.parse(inspect.getsource(module)).body:
        if isinstance(each, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0]: each for alias in each.names}
        elif isinstance(each, ast.FunctionDef | ast.ClassDef):
            found[each.name] = each
        elif isinstance(each, ast.Assign):
            targets = [name for target in each.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            found |= {name.id: each for name in targets}
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found[each.target.id] = each
    return found


def _text(statement: ast.stmt, source: str) -> str:
    """The lines of a statement, its decorators among them."""
    first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
    return "\n".join(source.splitlines()[first - 1 : statement.end_lineno])


def _one_import(statement: ast.Import | ast.ImportFrom, name: str) -> str:
    alias: Any = next(each for each in statement.names if (each.asname or each.name).partition(".")[0] == name)
    as_name = f" as {alias.asname}" if alias.asname else ""
    if isinstance(statement, ast.Import):
        return f"import {alias.name}{as_name}"
    return f"from {statement.module} import {alias.name}{as_name}"

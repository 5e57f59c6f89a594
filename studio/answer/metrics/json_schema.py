"""A user's JSON schema: nothing is looked up elsewhere, and no schema takes longer than it may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import regex

from studio.answer.metrics.pattern import pattern_problem
from studio.data.wording import quoted

REFERENCES = ("$ref", "$dynamicRef")


class Schema:
    """A JSON schema (https://json-schema.org, draft 2020-12 where it names none), as `jsonschema` validates by it."""

    def __init__(self, schema: dict[str, Any], seconds: float) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend, validator_for
        from referencing import Registry

        kind: Any = validator_for(schema, default=Draft202012Validator)
        limited = {"pattern": self._pattern}
        limited |= {name: self._followed(kind.VALIDATORS[name]) for name in REFERENCES if name in kind.VALIDATORS}
        self._validator = extend(kind, limited)(schema, registry=Registry())
        self._seconds, self._until = seconds, 0.0

    def fits(self, said: Any) -> float | None:
        """1 where it fits, 0 where it does not, None where that could not be found out in time."""
        from referencing.exceptions import Unresolvable

        self._until = time.monotonic() + self._seconds
        try:
            return float(next(self._validator.iter_errors(said), None) is None)
        except (RecursionError, TimeoutError, Unresolvable):
            return None

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _followed(self, follow: Any) -> Any:
        def limited(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[Any]:
            self._left()
            yield from follow(validator, reference, instance, schema)

        return limited

    def _pattern(self, validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError

        if isinstance(instance, str) and not regex.search(pattern, instance, timeout=self._left()):
            yield ValidationError("another text")


def schema_problem(schema: Any) -> str:
    """What is wrong with a schema, to go on after its name; empty where it can be used."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, dict):
        return 'is no JSON object, and a JSON schema is one. Write it like {"required": ["name"]}.'
    try:
        return _unwanted(schema) or _checked(validator_for(schema, default=Draft202012Validator), schema)
    except SchemaError as error:
        at = "/".join(map(str, error.absolute_path)) or "its top"
        return f"is no JSON schema: at {at}, {error.message[:200]}. Mend it there."
    except RecursionError:
        return "is nested too deeply to be read. Make the schema flatter."


def _checked(kind: Any, schema: dict[str, Any]) -> str:
    kind.check_schema(schema)
    return ""


def _unwanted(schema: Any) -> str:
    """What could reach out of the schema, or run without a limit."""
    for name, value in _entries(schema):
        if name == "patternProperties":
            return "uses patternProperties, which is not supported. List the fields under properties instead."
        if name in REFERENCES and isinstance(value, str) and not value.startswith("#"):
            return f"refers to {quoted(value)}, and nothing is looked up elsewhere. Put that part under $defs."
        if name == "pattern" and isinstance(value, str) and (found := pattern_problem(value)):
            return f"holds the pattern {quoted(value)}, which {found}"
    return ""


def _entries(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        yield from tree.items()
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _entries(inner)

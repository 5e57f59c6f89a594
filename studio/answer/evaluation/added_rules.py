"""Rules that were added to an evaluation after its answers were there: `added_rules.json`, whole or absent."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.request import Rule
from studio.errors import StudioError

NAME = "added_rules.json"
_RULES = TypeAdapter(tuple[Rule, ...])


def added_rules(evaluation: Evaluation) -> tuple[Rule, ...]:
    """The rules that were added. A file that was damaged holds none."""
    try:
        return _RULES.validate_json((evaluation.path / NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return ()


def add_rules(evaluation: Evaluation, rules: Sequence[Rule]) -> None:
    """Let these be the added rules, in place of those before.

    Raises:
        StudioError: the folder cannot be written to, or is gone.
    """
    draft = evaluation.path / f".{NAME}-{secrets.token_hex(4)}"
    try:
        draft.write_bytes(_RULES.dump_json(tuple(rules)))
        os.replace(draft, evaluation.path / NAME)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StudioError(
            f"The rules could not be kept: the folder of the evaluation {evaluation.id} cannot be written to "
            f"({error.strerror}). Free some space or see to its permissions, then add them again."
        ) from error

"""Letters from a wrong encoding that only their company gives away, and their repair."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from studio.data.checks.looks import MOJIBAKE
from studio.data.checks.sweep import Told, sweep
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import rows_named, sentence


def repaired(text: str) -> str:
    """The text with its letters as they were before a wrong encoding; everything else in it stays."""
    import ftfy

    return ftfy.fix_text(text, _config())


def find_letters(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows with letters that make no sense together and would make some if read in another encoding."""
    places = sweep(examples, _is_suspect, told, r"[^\x00-\x7f]")
    if len(places):
        rows = examples.rows[places].tolist()
        yield finding(
            "likely-mojibake",
            rows,
            f"{sentence(rows_named(rows))}: odd letters, which read well in another encoding. Kept as they are.",
            "warning",
            why="The file was probably read or saved in a wrong encoding; the model would learn to write such letters.",
            mend="fix-mojibake",
        )


def _is_suspect(text: str) -> bool:
    """Whether ftfy finds such letters where the check's own pattern does not."""
    from ftfy.badness import is_bad

    return not MOJIBAKE.search(text) and is_bad(text) and repaired(text) != text


@cache
def _config() -> Any:
    """Letters only: no straight quotes, no other widths, no entities, no line ends."""
    from ftfy import TextFixerConfig

    return TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )

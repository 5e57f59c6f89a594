"""Mends of every text: letters, markup, personal data, phrases that come again and again."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from studio.data.checks.boilerplate import without_phrase
from studio.data.checks.invisible import UNSEEN, without_unseen
from studio.data.checks.letters import repaired
from studio.data.checks.markup import MAYBE_MARKUP, without_markup
from studio.data.checks.personal import MAYBE_PERSONAL, masked
from studio.data.example import Examples
from studio.data.mends.mend import MendKind, with_answers, with_texts

_RE2 = re.compile(r"[\\.+*?()|\[\]{}^$]")


class TrimSpaces(MendKind):
    """Takes blanks and line ends off both ends of every cell."""

    title: ClassVar[str] = "Trim the ends"
    done: ClassVar[str] = "blanks at the ends trimmed"
    kind: Literal["trim-spaces"] = "trim-spaces"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, str.strip, r"^[\s\pZ\x1c-\x1f\x{85}\v]|[\s\pZ\x1c-\x1f\x{85}\v]$")


class FixMojibake(MendKind):
    """Turns letters such as Ã© and â€™ back into what they were."""

    title: ClassVar[str] = "Repair the letters"
    done: ClassVar[str] = "letters from a wrong encoding repaired"
    kind: Literal["fix-mojibake"] = "fix-mojibake"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, repaired, r"[^\x00-\x7f]")


class StripMarkup(MendKind):
    """Takes HTML tags out and turns entities such as &amp;amp; into their letters; code stays as it is."""

    title: ClassVar[str] = "Take the markup out"
    done: ClassVar[str] = "HTML markup taken out"
    kind: Literal["strip-markup"] = "strip-markup"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, without_markup, MAYBE_MARKUP)


class MaskPersonal(MendKind):
    """Puts [email], [phone], [card] and [iban] where such a thing stands."""

    title: ClassVar[str] = "Mask it"
    done: ClassVar[str] = "likely personal data masked"
    kind: Literal["mask-personal"] = "mask-personal"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, masked, MAYBE_PERSONAL)


class RemoveControls(MendKind):
    """Takes control characters and marks of no width out, but for those that a script or an emoji needs."""

    title: ClassVar[str] = "Take them out"
    done: ClassVar[str] = "characters that nobody sees taken out"
    kind: Literal["remove-controls"] = "remove-controls"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, without_unseen, rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{{80}}-\x{{9f}}]|{UNSEEN}")


class RemoveBoilerplate(MendKind):
    """Takes one phrase off the beginning or the end of every completion that says more than it."""

    title: ClassVar[str] = "Take the phrase out"
    done: ClassVar[str] = "a phrase that came again and again taken out"
    kind: Literal["remove-boilerplate"] = "remove-boilerplate"
    text: str = Field(min_length=1)

    def apply(self, examples: Examples) -> Examples:
        return with_answers(examples, lambda text: without_phrase(text, self.text), _RE2.sub(r"\\\g<0>", self.text))


class Replace(MendKind):
    """Puts one text in the place of another, letter by letter, wherever it stands."""

    title: ClassVar[str] = "Replace"
    done: ClassVar[str] = "a text replaced"
    kind: Literal["replace"] = "replace"
    find: str = Field(min_length=1)
    replacement: str = ""

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, lambda text: text.replace(self.find, self.replacement))

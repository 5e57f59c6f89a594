"""What is likely to be personal: addresses of email, numbers of phones, cards and accounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from studio.data.checks.sweep import Told, sweep
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import counted, listed, rows_named, sentence

MAYBE_PERSONAL = r"[\w.+-]@[\w-]|\d(?:[ ().\-/]{0,2}\d){6}|\b[A-Z]{2}\d{2}[ ]?[A-Z0-9]{4}"
"""RE2: in every text that has some."""

NAMES = {"email": "an email address", "phone": "a phone number", "card": "a card number", "iban": "a bank account"}

_EMAIL = re.compile(r"(?<![\w.+-])[\w+-][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_EXAMPLE = re.compile(r"@(?:[\w-]+\.)*example\.(?:com|org|net)$|\.(?:png|jpe?g|gif|svg)$", re.I)
_CARD = re.compile(
    r"(?<![\d.,+*/=-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5}"
    r"|3[068]\d{2}([ -]?)\d{6}\3\d{4})(?![\d-]|[.,]\d|\s?[*/=+])"
)
"""As cards have them: sixteen digits in fours, American Express's fifteen, Diners' fourteen."""
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_DIGITS = re.compile(r"(?<![\w.,/+-])(?:\+|00|\()?\(?\d(?:[ ().\-/]{0,2}\d){6,14}(?![\w]|[.,]\d)")
_CALLED = re.compile(
    r"(?:\b(?:call\w*|phone\w*|tel\w*|mobile|cell|fax|whatsapp|sms|te?xt|ring|dial|contact|hotline|handy|anruf\w*|"
    r"llam\w+|appele\w*|rufnummer)\b|电话|手机|電話|☎|📞)[^\n]{0,25}$",
    re.I,
)
LEAST_DIGITS = 9
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IN")
"""Where a number that names no country is looked up."""


@dataclass(frozen=True)
class Span:
    """One such thing: its kind, a key of NAMES, and where it stands in the text."""

    kind: str
    start: int
    end: int


def personal(text: str) -> list[Span]:
    """All that is likely personal in a text, from its beginning to its end."""
    taken: list[Span] = []
    for spans in (_emails(text), _accounts(text), _cards(text), _phones(text)):
        free = (span for span in spans if not any(span.start < one.end and one.start < span.end for one in taken))
        taken.extend(free)
    return sorted(taken, key=lambda span: span.start)


def masked(text: str) -> str:
    """The text with [email], [phone], [card] and [iban] in their places."""
    while spans := personal(text):  # what is masked may bare what it was written together with
        for span in reversed(spans):
            text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
    return text


def find_personal(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows with likely personal data in any of their texts."""
    counts: Counter[str] = Counter()

    def test(text: str) -> bool:
        kinds = {span.kind for span in personal(text)}
        counts.update(kinds)
        return bool(kinds)

    places = sweep(examples, test, told, MAYBE_PERSONAL)
    if len(places):
        rows = examples.rows[places].tolist()
        what = listed([f"{NAMES[kind]} in {counted(counts[kind], 'text')}" for kind in NAMES if counts[kind]], 4)
        yield finding(
            "personal-data",
            rows,
            f"{sentence(rows_named(rows))}: likely personal data, {what}. Kept.",
            "warning",
            why="A tuned model can repeat what it saw word for word, to anyone. What is nobody's business does not "
            "belong into training.",
            mend="mask-personal",
            counts=dict(counts),
        )


def _emails(text: str) -> Iterator[Span]:
    if "@" in text:
        for found in _EMAIL.finditer(text):
            if not _EXAMPLE.search(found[0]):
                yield Span("email", *found.span())


def _accounts(text: str) -> Iterator[Span]:
    from stdnum import iban

    for found in _IBAN.finditer(text):
        if iban.is_valid(found[0]):
            yield Span("iban", *found.span())


def _cards(text: str) -> Iterator[Span]:
    from stdnum import luhn

    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if len(set(digits)) > 1 and luhn.is_valid(digits):
            yield Span("card", *found.span())


def _phones(text: str) -> Iterator[Span]:
    """Numbers with a country, and others that are written like phone numbers or follow a word such as call."""
    for found in _DIGITS.finditer(text):
        called = _CALLED.search(text[max(0, found.start() - 40) : found.start()].replace("[phone]", ""))
        if _is_phone(found[0], bool(called)):
            yield Span("phone", *found.span())


def _is_phone(number: str, called: bool) -> bool:
    import phonenumbers as phones

    if number.startswith(("+", "00")):
        return _valid("+" + number.lstrip("+0"), None)
    if called and sum(map(str.isdigit, number)) >= LEAST_DIGITS:
        return any(_valid(number, region) for region in _REGIONS)
    if not re.search(r"^\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}$", number):
        return False
    return any(True for _ in phones.PhoneNumberMatcher(number, "US", leniency=phones.Leniency.VALID))


def _valid(number: str, region: str | None) -> bool:
    import phonenumbers as phones

    try:
        return bool(phones.is_valid_number(phones.parse(number, region)))
    except phones.NumberParseException:
        return False

"""A file's bytes as text: which encoding they are in, and when they are no text at all."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from studio.data.files.unpack import PIECE_BYTES, Source
from studio.data.wording import counted, quoted
from studio.errors import StudioError

GUESS_BYTES = 256 * 1024
"""How much of a file of unknown encoding is looked at to guess it."""

WESTERN_SHARE = 0.3
"""Letters beyond ASCII, as a share of all: less in any Western text, more in Cyrillic, Greek or Chinese read as it."""

BYTE_ORDER_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
)

NO_ENCODINGS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
"""What Python calls encodings and no file is in."""

_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f]")


class NotPlainError(Exception):
    """Bytes that were taken for plain UTF-8 are not; they have to be looked at as a whole."""


@dataclass(frozen=True)
class Text:
    """A file's text in pieces of UTF-8, the name the user gave the file, and how its bytes were read.

    The pieces are checked only where they were decoded before: those of a large file come straight from the disk, and
    who parses them raises NotPlainError where they are not UTF-8.
    """

    name: str
    encoding: str
    notes: tuple[str, ...]
    pieces: Callable[[], Iterator[bytes]]

    def data(self) -> bytes:
        """All of it, as UTF-8.

        Raises NotPlainError where a byte is none of a text.
        """
        data = b"".join(self.pieces())
        if b"\0" in data:
            raise NotPlainError
        return data

    def content(self) -> str:
        """All of it. Raises NotPlainError where it is no text."""
        try:
            return self.data().decode("utf-8")
        except UnicodeDecodeError:
            raise NotPlainError from None

    def head(self, characters: int) -> str:
        """Its beginning, with what is not UTF-8 replaced."""
        return _head(self.pieces(), characters).decode("utf-8", "ignore")[:characters]


def plain(source: Source) -> Text | None:
    """The text of a file that begins like UTF-8, without reading more than its beginning; None for any other."""
    head = source.head(GUESS_BYTES)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    try:
        start = codecs.getincrementaldecoder("utf-8")().decode(head[mark:])
    except UnicodeDecodeError:
        return None
    if head.startswith(codecs.BOM_UTF16_LE) or "\0" in start or not start.strip() or _is_binary(start):
        return None
    notes = ("encoding utf-8: the file begins with its mark, now removed",) if mark else ()
    return Text(source.name, "utf-8", (*source.notes, *notes), lambda: _without(source.pieces(), mark))


def decode(source: Source, encoding: str = "") -> Text:
    """The text of any file. `encoding` is what the user says it is in; empty: it is detected.

    Raises StudioError for an empty file and for one that is no text.
    """
    data = source.whole()
    content, found, notes = _chosen(data, encoding) if encoding else _marked(data) or _unmarked(data, source.name)
    del data
    if not content.strip():
        raise StudioError(f"{quoted(source.name)} is empty. Choose a file with an example in every row.")
    _refuse_binary(content, source.name)
    return Text(source.name, found, (*source.notes, *notes), lambda: _encoded(content))


Decoded = tuple[str, str, tuple[str, ...]]
"""The text, the encoding's name, and what there is to tell."""


def _chosen(data: bytes, encoding: str) -> Decoded:
    try:
        codec = codecs.lookup(encoding.strip()).name
        if codec in NO_ENCODINGS:
            raise LookupError
        content = data.decode(codec, "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError, ValueError):  # ValueError: a NUL in the name
        raise StudioError(
            f"{quoted(encoding)} is no encoding that is known. Leave it empty, or try utf-8, windows-1252, utf-16, "
            "cp1251, shift_jis or gb18030."
        ) from None
    broken = content.count("\ufffd")
    lost = f", in which {counted(broken, 'place')} could not be read" if broken else ""
    return content, codec, (f"encoding {codec}, as chosen{lost}",)


def _marked(data: bytes) -> Decoded | None:
    for mark, codec, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            content = data[len(mark) :].decode(codec, "replace")
            return content, encoding, (f"encoding {encoding}: the file begins with its mark, now removed",)
    return None


def _unmarked(data: bytes, name: str) -> Decoded:
    if b"\0" in data:
        return _wide(data, name)
    try:
        return data.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        return _damaged(data) or _legacy(data)


def _wide(data: bytes, name: str) -> Decoded:
    """UTF-16 or UTF-32 without a mark: in text of ASCII letters every other byte is NUL, or three of four are."""
    sample = data[:4096]
    shares = [sample[place::4].count(0) / max(1, len(sample[place::4])) for place in range(4)]
    for codec, full in (("utf-32-le", 0), ("utf-32-be", 3)):
        if shares[full] < 0.05 and all(share > 0.6 for place, share in enumerate(shares) if place != full):
            return data.decode(codec, "replace"), "utf-32", (f"encoding {codec}: three of four bytes are zero",)
    even, odd = (shares[0] + shares[2]) / 2, (shares[1] + shares[3]) / 2
    for codec, nul, other in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if nul > 0.4 and other < 0.05:
            return data.decode(codec, "replace"), "utf-16", (f"encoding {codec}: every other byte is zero",)
    place = data.index(b"\0")
    raise StudioError(
        f"{quoted(name)} holds a NUL byte (line {data.count(bytes([10]), 0, place) + 1}, byte {place + 1:,} of the "
        "file), which no text has: it is a binary file under another name, or a damaged one. Save the data as CSV, "
        "JSON or JSONL in UTF-8."
    )


def _damaged(data: bytes) -> Decoded | None:
    """UTF-8 in which a few bytes are broken: far more characters beyond ASCII are whole than are not."""
    content = data.decode("utf-8", "replace")
    broken = content.count("\ufffd")
    whole = len(content) - len(content.encode("ascii", "ignore")) - broken
    if whole <= broken:
        return None
    note = f"encoding utf-8, but {counted(broken, 'place')} could not be read and became the replacement character"
    return content, "utf-8", (note,)


def _legacy(data: bytes) -> Decoded:
    encoding = "windows-1252"
    content = data.decode(encoding, "replace")
    if "\ufffd" in content:  # five bytes mean nothing in Windows-1252
        encoding, content = "latin-1", data.decode("latin-1")
    letters = sum(map(str.isalpha, content[:GUESS_BYTES]))
    beyond = sum(character.isalpha() for character in content[:GUESS_BYTES] if character > "\x7f")
    if beyond > WESTERN_SHARE * letters:
        encoding = _guess(data) or encoding
        content = data.decode(encoding, "replace")
    note = f"encoding {encoding}, because the bytes are not UTF-8; if letters look wrong, choose another encoding"
    return content, encoding, (note,)


def _guess(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # needed by few files, and slow to import

    best = from_bytes(data[:GUESS_BYTES]).best()
    return None if best is None else best.encoding


def _is_binary(start: str) -> bool:
    return len(_CONTROLS.findall(start[:GUESS_BYTES])) > 0.05 * len(start[:GUESS_BYTES])


def _refuse_binary(content: str, name: str) -> None:
    if "\0" in content:
        what = "NUL characters"
    elif _is_binary(content):
        what = f"{counted(len(_CONTROLS.findall(content[:GUESS_BYTES])), 'control character')} near its beginning"
    else:
        return
    raise StudioError(
        f"{quoted(name)} holds {what}, which no text has: it is a binary file under another name, or a damaged one. "
        "Save the data as CSV, JSON or JSONL in UTF-8."
    )


def _without(pieces: Iterator[bytes], mark: int) -> Iterator[bytes]:
    yield next(pieces, b"")[mark:]
    yield from pieces


def _encoded(content: str) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES].encode("utf-8", "replace")


def _head(pieces: Iterator[bytes], length: int) -> bytes:
    """At least `length` bytes of the beginning, where there are as many."""
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= 4 * length:
            break
    return bytes(head[: 4 * length])

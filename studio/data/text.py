"""A file's bytes as text: which encoding they are in, and when they are no text at all."""

import codecs
import re
from dataclasses import dataclass

from studio.data.wording import counted, quoted
from studio.errors import StudioError

GUESS_BYTES = 256 * 1024
"""How much of a file of unknown encoding is looked at to guess it."""

WESTERN_SHARE = 0.3
"""Letters beyond ASCII, as a share of all: less in any Western text, more in Cyrillic, Greek or Chinese read as it."""

SIGNATURES = (
    (b"\x1f\x8b", "a gzip archive", "unpack it and choose what is inside"),
    (b"PK\x03\x04", "an Excel workbook (XLSX) or a ZIP archive", "open it, save it as CSV (UTF-8) and choose that"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (XLS)", "open it, save it as CSV (UTF-8) and choose that"),
    (b"PAR1", "a Parquet file", "save it as JSONL and choose that"),
    (b"ARROW1", "an Arrow file", "save it as JSONL and choose that"),
    (b"SQLite format 3", "a SQLite database", "export the table as CSV and choose that"),
    (b"%PDF", "a PDF", "copy its pairs into a CSV, JSON or JSONL file"),
    (b"\x89PNG", "a picture", "choose the file with the pairs"),
    (b"\xff\xd8\xff", "a picture", "choose the file with the pairs"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it and choose what is inside"),
    (b"BZh", "a bzip2 archive", "unpack it and choose what is inside"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it and choose what is inside"),
)

BYTE_ORDER_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
)

_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Text:
    """A file's text, the name the user gave the file, and how its bytes were read."""

    name: str
    content: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, name: str) -> Text:
    """The bytes as text.

    Raises StudioError for an empty file and for one that is no text.
    """
    for signature, kind, advice in SIGNATURES:
        if data.startswith(signature):
            raise StudioError(
                f"{quoted(name)} is {kind} by its first bytes, and this version reads CSV, JSON and JSONL. "
                f"Please {advice}."
            )
    text = _marked(data, name) or _unmarked(data, name)
    if not text.content.strip():
        raise StudioError(f"{quoted(name)} is empty. Choose a file with a prompt and a completion in every row.")
    _refuse_binary(text)
    return text


def _marked(data: bytes, name: str) -> Text | None:
    for mark, codec, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            content = data[len(mark) :].decode(codec, "replace")
            return Text(name, content, encoding, (f"encoding {encoding}: the file begins with its mark, now removed",))
    return None


def _unmarked(data: bytes, name: str) -> Text:
    if b"\0" in data:
        return _wide(data, name)
    try:
        return Text(name, data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _damaged(data, name) or _legacy(data, name)


def _wide(data: bytes, name: str) -> Text:
    """UTF-16 without a mark: in text of ASCII letters every other byte is NUL."""
    sample = data[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    for codec, nul, other in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if nul > 0.4 * half and other < 0.05 * half:
            content = data.decode(codec, "replace")
            return Text(name, content, "utf-16", (f"encoding {codec}: every other byte is zero",))
    place = data.index(b"\0")
    raise StudioError(
        f"{quoted(name)} holds a NUL byte (line {data.count(bytes([10]), 0, place) + 1}, byte {place + 1:,} of the "
        "file), which no text has: it is a binary file under another name, or a damaged one. Save the data as CSV, "
        "JSON or JSONL in UTF-8."
    )


def _damaged(data: bytes, name: str) -> Text | None:
    """UTF-8 in which a few bytes are broken: far more characters beyond ASCII are whole than are not."""
    content = data.decode("utf-8", "replace")
    broken = content.count("\ufffd")
    whole = len(content) - len(content.encode("ascii", "ignore")) - broken
    if whole <= broken:
        return None
    note = f"encoding utf-8, but {counted(broken, 'place')} could not be read and became the replacement character"
    return Text(name, content, "utf-8", (note,))


def _legacy(data: bytes, name: str) -> Text:
    encoding = "windows-1252"
    content = data.decode(encoding, "replace")
    if "\ufffd" in content:  # five bytes mean nothing in Windows-1252
        encoding, content = "latin-1", data.decode("latin-1")
    letters = sum(map(str.isalpha, content[:GUESS_BYTES]))
    beyond = sum(character.isalpha() for character in content[:GUESS_BYTES] if character > "\x7f")
    if beyond > WESTERN_SHARE * letters:
        encoding = _guess(data) or encoding
        content = data.decode(encoding, "replace")
    note = f"encoding {encoding}, because the bytes are not UTF-8; if letters look wrong, save the file as UTF-8"
    return Text(name, content, encoding, (note,))


def _guess(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # needed by few files, and slow to import

    best = from_bytes(data[:GUESS_BYTES]).best()
    return None if best is None else best.encoding


def _refuse_binary(text: Text) -> None:
    place = text.content.find("\0")
    sample = text.content[:GUESS_BYTES]
    controls = len(_CONTROLS.findall(sample))
    if place < 0 and controls <= 0.05 * len(sample):
        return
    what = "NUL characters" if place >= 0 else f"{counted(controls, 'control character')} near its beginning"
    raise StudioError(
        f"{quoted(text.name)} holds {what}, which no text has: it is a binary file under another name, or a damaged "
        "one. Save the data as CSV, JSON or JSONL in UTF-8."
    )

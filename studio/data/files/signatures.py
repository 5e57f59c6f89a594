"""What a file is by its first bytes, whatever its name says, and what to do with one that is not read."""

from studio.data.wording import quoted
from studio.errors import StudioError

PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"

REFUSED = (
    (b"\x1f\x8b", "a gzip archive inside another", "unpack it and choose what is inside"),
    (b"PK\x05\x06", "an empty ZIP archive", "choose the file with the rows"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (XLS), or a newer one with a password",
        "open it, save it as XLSX without a password or as CSV (UTF-8), and choose that",
    ),
    (b"ARROW1", "an Arrow file", "save it as Parquet or JSONL and choose that"),
    (b"SQLite format 3", "a SQLite database", "export the table as CSV and choose that"),
    (b"%PDF", "a PDF", "copy its text into a plain text file, or its pairs into a CSV or JSONL file"),
    (b"\x89PNG", "a picture", "choose the file with the rows"),
    (b"\xff\xd8\xff", "a picture", "choose the file with the rows"),
    (b"GIF8", "a picture", "choose the file with the rows"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it and choose what is inside"),
    (b"BZh", "a bzip2 archive", "unpack it and choose what is inside"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it and choose what is inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and choose what is inside"),
)

TAR_MARK, TAR_PLACE = b"ustar", 257

READ = "CSV, JSON, JSONL, Parquet, XLSX and plain text, each also gzipped"


def refuse_unreadable(head: bytes, name: str) -> None:
    """Raises StudioError for a kind of file that is not read."""
    for signature, kind, advice in REFUSED:
        if head.startswith(signature):
            raise StudioError(f"{quoted(name)} is {kind} by its first bytes; read are {READ}. Please {advice}.")
    if head[TAR_PLACE : TAR_PLACE + len(TAR_MARK)] == TAR_MARK:
        raise StudioError(f"{quoted(name)} is a TAR archive; read are {READ}. Please unpack it and choose its files.")

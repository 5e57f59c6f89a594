"""A file's bytes, gunzipped where they are packed: a few MiB at a time, and never more than a cap."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from studio.data.wording import quoted
from studio.errors import StudioError

MAX_BYTES = 2 * 2**30
"""The most that is read of one file, unpacked. A few million rows of text; no laptop trains on more."""

MAX_RATIO = 300
"""Text packs to a tenth of its size, logs to a fiftieth. What unpacks to more than this was made to fill a memory."""

RATIO_FREE_BYTES = 64 * 2**20
"""Below these a packed file may unpack as far as it likes: no memory is in danger."""

PIECE_BYTES = 1 * 2**20

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """A file that can be opened. `name` is what the user calls it; `size` is that on the disk.

    `most` bounds what is read of its beginning, in bytes, for those who only look at its first rows.
    """

    path: Path
    name: str
    size: int
    gzipped: bool
    most: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to tell of the unpacking."""
        return ("unpacked from gzip",) if self.gzipped else ()

    @property
    def cut(self) -> bool:
        """Whether more may follow what is read. The unpacked size is not known without unpacking."""
        return self.most is not None and (self.gzipped or self.size > self.most)

    def beginning(self, most: int) -> "Source":
        """The same file, of which only the first `most` bytes are read."""
        return replace(self, most=most)

    def head(self, length: int) -> bytes:
        """The first bytes."""
        return replace(self, most=length).whole()

    def whole(self) -> bytes:
        """Every byte, up to `most`."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The bytes, at most PIECE_BYTES at a time, up to `most`.

        Raises StudioError where the file cannot be opened or unpacked, or holds more than MAX_BYTES.
        """
        done = 0
        left = MAX_BYTES + 1 if self.most is None else self.most
        try:
            with _opened(self.path, self.gzipped) as stream:
                while left > 0 and (piece := stream.read(min(left, PIECE_BYTES))):
                    left -= len(piece)
                    done += len(piece)
                    self._refuse_bomb(done)
                    yield piece
        except EOFError:
            raise StudioError(
                f"{quoted(self.name)} is a gzip archive that ends in the middle, after {done:,} unpacked bytes, as if "
                "a download had been cut off. Fetch or pack it again."
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise StudioError(
                f"{quoted(self.name)} is a gzip archive that is damaged after {done:,} unpacked bytes ({error}). "
                "Fetch or pack it again."
            ) from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise unopened(self.name, error) from None

    def _refuse_bomb(self, done: int) -> None:
        if done > MAX_BYTES:
            raise too_large(self.name, None)
        if self.gzipped and done > RATIO_FREE_BYTES and done > MAX_RATIO * self.size:
            raise StudioError(
                f"{quoted(self.name)} unpacks to more than {MAX_RATIO} times its {self.size:,} bytes, which no text "
                "does, so unpacking was stopped. If it is yours, unpack it and choose what is inside."
            )


def source(path: Path, name: str) -> Source:
    """The file under this path.

    Raises StudioError where it is missing, no regular file, unreadable or larger than MAX_BYTES.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise StudioError(f"{quoted(name)} is not a regular file. Choose a file with rows, such as CSV or JSONL.")
        with path.open("rb") as stream:
            gzipped = stream.read(len(GZIP)) == GZIP
    except FileNotFoundError:
        raise StudioError(f"There is no file {quoted(str(path), 200)}. Choose it again, or correct the path.") from None
    except (OSError, ValueError) as error:
        raise unopened(name, error) from None
    if size > MAX_BYTES:
        raise too_large(name, size)
    return Source(path, name, size, gzipped)


def suffix_of(name: str) -> str:
    """What a file's name says it is, in lower case; of a packed one what it says is inside."""
    path = PurePath(name.lower())
    return PurePath(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _opened(path: Path, gzipped: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if gzipped else path.open("rb")


def unopened(name: str, error: Exception) -> StudioError:
    """What is said of a file that the system does not give out."""
    reason = getattr(error, "strerror", None) or str(error)
    return StudioError(f"{quoted(name)} cannot be opened: {reason}. Choose another file.")


def too_large(name: str, size: int | None) -> StudioError:
    """What is said of a file of `size` bytes, or of one that unpacks to too many."""
    has = "unpacks to more" if size is None else f"has {size / 2**30:.1f} GiB"
    return StudioError(
        f"{quoted(name)} {has} and at most {MAX_BYTES / 2**30:.0f} GiB is read. Train on a part of it: the first "
        "100,000 rows are plenty to begin with."
    )

"""The Hugging Face Hub, for models and datasets alike: what an id looks like, and what went wrong there, in words.

huggingface_hub is imported where it is needed only, because the page must open without it.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
MAY_NOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)
INSTEAD = {"model": "a local folder or the bundled starter", "dataset": "a file of your own or a bundled sample"}


@dataclass(frozen=True)
class Wanted:
    """What was to be fetched from the Hub: its id, `owner/name`, and what it is."""

    id: str
    kind: Literal["model", "dataset"]

    @property
    def page(self) -> str:
        """Its page for people."""
        return f"https://huggingface.co/{'datasets/' if self.kind == 'dataset' else ''}{self.id}"


def is_hub_id(text: str) -> bool:
    """Whether `text` has the form of an id on the Hub, `owner/name`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return "/" in text


def in_words(wanted: Wanted, error: BaseException) -> str:
    """What an error of huggingface_hub means, and what to do, for the person who wanted it."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError):  # the cache did not help; why the Hub did not is its cause
        return in_words(wanted, error.__cause__) if error.__cause__ else _offline(wanted)
    if isinstance(error, errors.GatedRepoError):
        return (
            f"{wanted.id} is gated: its makers want their licence accepted first. Accept it at {wanted.page}, set "
            "HF_TOKEN to a token of that account (or run `hf auth login`), and try again."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{wanted.id} has no such revision. Look for its branches and tags at {wanted.page}, or name none."
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"There is no {wanted.kind} {wanted.id} on the Hub that you may see. Check the spelling at {wanted.page}; "
            f"for a private {wanted.kind} set HF_TOKEN (or run `hf auth login`)."
        )
    if isinstance(error, errors.DisabledRepoError):
        return f"The {wanted.kind} {wanted.id} has been disabled on the Hub. Choose another {wanted.kind}."
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(wanted, error.response.status_code)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return _offline(wanted, "HF_HUB_OFFLINE is set; unset it, or choose")
    if isinstance(error, OSError) and (words := _disk(wanted, error)):
        return words
    if isinstance(error, _network_errors()):
        return _offline(wanted)
    return f"{wanted.id} could not be fetched ({type(error).__name__}: {error!s:.200}). Try again, or choose another."


def _refused(wanted: Wanted, status: int) -> str:
    if status == 429:
        return (
            f"The Hub refuses {wanted.id} for now, because too many requests came from here (429). Wait a few minutes, "
            "or set HF_TOKEN (or run `hf auth login`): who is signed in may ask more often."
        )
    if status in (401, 403):
        return (
            f"The Hub refuses {wanted.id} to this token ({status}). Use a token with read access, for a gated "
            f"{wanted.kind} one that may read gated repositories, in HF_TOKEN or by `hf auth login`."
        )
    if status >= 500:
        return f"The Hub has trouble ({status}), and no whole copy of {wanted.id} is in the cache. Try again later."
    return f"The Hub answered {status} for {wanted.id}. Check the id at {wanted.page}."


def _offline(wanted: Wanted, advice: str = "Connect and try again (it goes on where it stopped), or choose") -> str:
    return (
        f"{wanted.id} has to be fetched, but the Hub cannot be reached, and no whole copy is in the cache. "
        f"{advice} {INSTEAD[wanted.kind]}."
    )


def _disk(wanted: Wanted, error: OSError) -> str | None:
    from huggingface_hub import constants

    cache = constants.HF_HUB_CACHE
    if error.errno in NO_SPACE:
        return (
            f"The disk is full, so {wanted.id} could not be fetched into {cache}. Free some space (`hf cache rm`), "
            "or set HF_HOME to a folder on a larger disk."
        )
    if error.errno in MAY_NOT_WRITE:
        return f"{wanted.id} cannot be stored in {cache} ({error.strerror}). Set HF_HOME to a folder that is yours."
    return None


def _network_errors() -> tuple[type[BaseException], ...]:
    import httpx2

    return (httpx2.HTTPError, ConnectionError, TimeoutError)

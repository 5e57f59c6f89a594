"""Which dataset of the Hugging Face Hub a person means: by a recipe's path, or by an address pasted from a browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from studio.data.hub.words import is_hub_id
from studio.data.wording import quoted
from studio.errors import StudioError

SCHEME = "hf://datasets/"
HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")


@dataclass(frozen=True)
class HubPlace:
    """A dataset of the Hub as a person named it. Empty: its newest revision, its default subset, any split."""

    id: str
    revision: str = ""
    subset: str = ""
    split: str = ""

    @property
    def path(self) -> str:
        """How a recipe names it."""
        return f"{SCHEME}{self.id}{'@' if self.revision else ''}{self.revision}"


def hub_place(text: str) -> HubPlace | None:
    """The dataset that an `hf://datasets/…` path or a pasted address of the Hub means; None for any other text.

    Raises StudioError where it begins like one and names none.
    """
    text = text.strip()
    if text.startswith(SCHEME):
        steps = text.removeprefix(SCHEME).strip("/").split("/")
    elif urlsplit(text if "://" in text else f"https://{text}").hostname in HOSTS and "datasets/" in text:
        steps = unquote(urlsplit(text if "://" in text else f"https://{text}").path).strip("/").split("/")[1:]
    else:
        return None
    return _place(text, steps)


def _place(text: str, steps: list[str]) -> HubPlace:
    """The place of `owner`, `name` or `name@revision`, and perhaps `viewer`, subset and split, or `tree`, revision."""
    name, _, revision = "/".join(steps[:2]).partition("@")
    rest = steps[2:]
    if not is_hub_id(name):
        raise StudioError(
            f"{quoted(text)} names no dataset of the Hub. Write {SCHEME}owner/name, as on the dataset's page."
        )
    match rest:
        case ["viewer", subset, split, *_]:
            return HubPlace(name, revision, subset, split)
        case ["viewer", subset]:
            return HubPlace(name, revision, subset)
        case ["tree" | "blob", "main", *_] | ["viewer"] | []:
            return HubPlace(name, revision)
        case ["tree" | "blob", other, *_]:
            return HubPlace(name, other)
    raise StudioError(
        f"{quoted(text)} names a file inside a dataset of the Hub. Write {SCHEME}{name} and choose its subset and "
        "split, or download the file and choose that."
    )

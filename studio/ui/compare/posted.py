"""What a page of this studio sends: a JSON object of a bounded size, and never from another site's page."""

from __future__ import annotations

import json

from starlette.requests import Request

from studio.errors import StudioError
from studio.ui.routes import Json

LARGEST = 8_000_000  # bytes; six long conversations with their tokens' probabilities
SORT = "application/json"  # a browser lets no page of another site send it, as the studio never agrees to that


async def posted(request: Request, largest: int = LARGEST) -> Json:
    """The object in the body of a request.

    Raises:
        StudioError: it is of another content type, too large, or no JSON object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SORT:
        raise StudioError(f"This request was not made by the studio's page. Send it with the content type {SORT}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise StudioError(
                f"The page sent more than {largest / 1e6:g} MB. Clear the conversation, or shorten the prompt."
            )
    try:
        sent = json.loads(bytes(body))
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise StudioError("The page sent something that cannot be read. Reload it and try again.")
    return sent

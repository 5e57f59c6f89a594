"""A Hugging Face Hub of this machine with one model, which cuts downloads, refuses, and vanishes when it is told to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.local_hub import REVISION, LocalHub, QuietAnswer, answering

LARGE = ".safetensors"


class ModelHub(LocalHub):
    """Serves the `files` of the model `name`; its weights are what the Hub calls LFS files."""

    def __init__(self, name: str, files: dict[str, bytes]) -> None:
        super().__init__(_Answer)
        self.name, self.files = name, files
        self.cut_at: int | None = None
        """No byte of a weights' file is sent from this one on: the connection ends."""
        self.refusals = 0
        """How many requests for weights are answered 429 before one is served."""
        self.sent: Counter[str] = Counter()
        """Bytes sent of each file."""


def serving(name: str, files: dict[str, bytes]) -> AbstractContextManager[ModelHub]:
    """A hub that answers until the block ends."""
    return answering(ModelHub(name, files))


class _Answer(QuietAnswer):
    server: ModelHub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        api, model, of_file = f"api/models/{self.server.name}", self.server.name, f"{self.server.name}/resolve/"
        if path.startswith(f"{api}/tree/"):
            self._json([_listed(name, content) for name, content in self.server.files.items()])
        elif path == api or path.startswith(f"{api}/revision/"):
            files = [_sibling(name, content) for name, content in self.server.files.items()]
            self._json({"id": model, "sha": REVISION, "siblings": files})
        elif path.startswith(of_file):
            self._file(path.removeprefix(of_file).partition("/")[2])
        else:
            self._json({"error": "not here"}, 404)

    do_HEAD = do_GET

    def _json(self, content: Any, status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str) -> None:
        hub, content = self.server, self.server.files[name]
        asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        first = int(asked[0])
        weights = name.endswith(LARGE) and self.command == "GET"
        if weights and hub.refusals:
            hub.refusals -= 1
            return self._send(429, b"too many", {"Retry-After": "7"})
        tag = _digest(content) if name.endswith(LARGE) else hashlib.sha1(content).hexdigest()
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        end = hub.cut_at if weights and hub.cut_at is not None else len(content)
        if self.command == "GET":
            hub.sent[name] += max(0, end - first)
        self._send(206 if "Range" in self.headers else 200, content[first:], headers, end - first)

    def _send(self, status: int, content: bytes, headers: dict[str, str], most: int | None = None) -> None:
        """Send `most` bytes of the content and end the connection; all, and go on, where it has no more."""
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(content if most is None else content[: max(0, most)])
        self.close_connection = most is not None and most < len(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    lfs = {"size": len(content), "sha256": _digest(content), "pointerSize": 134}
    return {"rfilename": name, "size": len(content), "blobId": name} | ({"lfs": lfs} if name.endswith(LARGE) else {})


def _listed(name: str, content: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
    lfs = {"oid": _digest(content), "size": len(content), "pointerSize": 134}
    return entry | ({"lfs": lfs} if name.endswith(LARGE) else {})

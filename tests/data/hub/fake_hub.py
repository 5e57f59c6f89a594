"""A Hugging Face Hub of this machine: the few routes by which a dataset is listed and read, over real HTTP."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.local_hub import REVISION, LocalHub, QuietAnswer, answering

Files = dict[str, bytes]


class FakeHub(LocalHub):
    """Serves `datasets`: {owner/name: {file: bytes}}. `gated` names those that want their licence accepted."""

    def __init__(self, datasets: dict[str, Files], gated: frozenset[str] = frozenset()) -> None:
        super().__init__(_Answer)
        self.datasets = datasets
        self.gated = gated
        self.status = 0
        """Answered to everything, where it is not 0."""
        self.fetched: list[str] = []
        """The files whose bytes were asked for."""


def serving(datasets: dict[str, Files], gated: frozenset[str] = frozenset()) -> AbstractContextManager[FakeHub]:
    """A hub that answers until the block ends."""
    return answering(FakeHub(datasets, gated))


class _Answer(QuietAnswer):
    server: FakeHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        steps = [unquote(step) for step in urlsplit(self.path).path.strip("/").split("/")]
        if self.server.status:
            return self._send(self.server.status, {"error": "made up"})
        if steps[:1] == ["api"]:
            steps = steps[1:]
        if steps[:1] != ["datasets"] or len(steps) < 3:
            return self._send(404, {"error": "not here"})
        name, rest = "/".join(steps[1:3]), steps[3:]
        files = self.server.datasets.get(name)
        if files is None:
            return self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if rest[:1] == ["resolve"]:
            return self._file(name, files, "/".join(rest[2:]))
        if rest == ["auth-check"]:
            refused = name in self.server.gated
            return self._send(403 if refused else 200, {}, {"X-Error-Code": "GatedRepo"} if refused else {})
        if rest[:1] == ["tree"]:
            return self._send(200, _listed(files, "/".join(rest[2:])))
        if rest[:1] == ["paths-info"]:
            return self._send(200, _named(files, self._paths(body)))
        listed = [{"rfilename": path} for path in files]
        licence = {"license": "cc-by-4.0"}
        self._send(
            200,
            {"id": name, "sha": REVISION, "siblings": listed, "cardData": licence, "gated": name in self.server.gated},
        )

    def _paths(self, body: bytes) -> list[str]:
        if "json" in self.headers.get("Content-Type", ""):
            return json.loads(body)["paths"]
        return parse_qs(body.decode()).get("paths", [])

    def _file(self, name: str, files: Files, path: str) -> None:
        if name in self.server.gated:
            return self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
        if path not in files:
            return self._send(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
        content, status, headers = files[path], 200, {"Accept-Ranges": "bytes"}
        if self.command == "GET":
            self.server.fetched.append(path)
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1 if last else len(content), len(content))
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
            content, status = content[int(first) : end], 206
        headers |= {"ETag": f'"{_oid(files[path])}"', "X-Repo-Commit": REVISION}
        self._send(status, content, headers)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        for key, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _file_entry(path: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}


def _listed(files: Files, folder: str) -> list[dict[str, Any]]:
    """Every file under `folder`, and the folders on the way."""
    inside = f"{folder}/" if folder else ""
    found = [_file_entry(path, content) for path, content in files.items() if path.startswith(inside)]
    return _folders(files, inside) + found


def _folders(files: Files, inside: str) -> list[dict[str, Any]]:
    names = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    inner = sorted(name for name in names if name.startswith(inside))
    return [{"type": "directory", "path": name, "oid": _oid(name.encode())} for name in inner]


def _named(files: Files, paths: list[str]) -> list[dict[str, Any]]:
    return [_file_entry(path, files[path]) for path in paths if path in files]

"""The cleaned rows as files: made on a click, downloaded by a route that gives nothing else away."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.data.part import DataPart
from studio.ui.data.export import KEPT, export
from studio.ui.downloads import download_routes, exports
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, studio_in, upload


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


@pytest.fixture
def client(studio: Studio) -> TestClient:
    app = FastAPI()
    app.include_router(download_routes(studio.home), prefix="/studio")
    return TestClient(app)


def links(studio: Studio, part: DataPart, suffix: str = ".jsonl") -> list[str]:
    *_, last = export(studio, suffix, part)
    return re.findall(r'href="([^"]+)"', last)


def test_rows_and_provenance_are_downloaded(studio: Studio, client: TestClient, tmp_path: Path) -> None:
    rows, facts = links(studio, upload(studio, tmp_path, ROWS + "question 99,\n", 'my "rows" <1>.csv'))
    lines = client.get(f"/{rows}").text.splitlines()
    assert [json.loads(line) for line in lines][:1] == [{"prompt": "question 0", "completion": "answer 0"}]
    assert len(lines) == 40, "the row without an answer is left out"
    assert client.get(f"/{facts}").json()["source"]["name"] == 'my "rows" <1>.csv'


def test_nothing_else_is_given_away(studio: Studio, client: TestClient, tmp_path: Path) -> None:
    rows, _ = links(studio, upload(studio, tmp_path, ROWS), ".csv")
    folder = rows.split("/")[-2]
    (studio.home.root / "secret").write_text("x")
    for path in (f"{folder}/nothing.csv", "../secret", f"{folder}/..%2f..%2fsecret", "%2e%2e/secret", "*/*"):
        assert client.get(f"/studio/exports/{path}").status_code == 404


def test_old_exports_make_room(studio: Studio, tmp_path: Path) -> None:
    for n in range(KEPT + 2):
        links(studio, upload(studio, tmp_path, ROWS.replace("answer", f"answer {n}")))
    assert len(list(exports(studio.home).iterdir())) == KEPT


def test_without_rows_it_says_so(studio: Studio, tmp_path: Path) -> None:
    assert links(studio, DataPart()) == []
    *_, last = export(studio, ".csv", upload(studio, tmp_path, ""))
    assert "note-error" in last

"""The Take away tab: what is offered for each kind of result, and that the link gives it."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.run.submit import submit
from studio.ui.downloads import download_routes
from studio.ui.results import result_choices
from studio.ui.take_tab import NOTHING_YET, offer


@pytest.mark.parametrize(("method", "kind"), [("lora", "adapter"), ("full", "model")])
def test_the_result_is_offered_and_downloaded(method, kind, home, make_recipe) -> None:
    run = submit(home, make_recipe({"method.name": method}))
    studio = SimpleNamespace(home=home)
    assert offer(studio, run.name)[0] == NOTHING_YET
    assert result_choices([(run, "finished")]) == []
    result = run.path / kind
    result.mkdir()
    (result / f"{'adapter_' if kind == 'adapter' else ''}model.safetensors").write_bytes(b"weights")
    (result / "adapter_config.json").write_text("{}")
    assert [name for _, name in result_choices([(run, "finished")])] == [run.name]
    link, code, recipe = offer(studio, run.name)
    assert f"{run.name}-{kind}.zip" in link
    assert ("PeftModel" in code) is (kind == "adapter")
    assert f"name: {method}" in recipe
    app = FastAPI()
    app.include_router(download_routes(home), prefix="/studio")
    address, *reports = re.findall(r'href="([^"]+)"', link)
    assert reports == [f"studio/runs/{run.name}/report", f"studio/runs/{run.name}/report?download=1"]
    answer = TestClient(app).get(f"/{address}")
    assert answer.status_code == 200
    assert f"{run.name}-{kind}.zip" in answer.headers["content-disposition"]
    assert any(name.endswith("model.safetensors") for name in ZipFile(io.BytesIO(answer.content)).namelist())

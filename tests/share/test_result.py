import contextlib
import io
import re
import subprocess
import sys
import zipfile

import pytest
import torch
import yaml
from peft import PeftModel

from studio.errors import StudioError
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe
from studio.run.base import choose_precision, load_model
from studio.run.directory import Run
from studio.share.naming import public_base
from studio.share.result import public_recipe, zip_result


@pytest.fixture
def unpacked(run, tmp_path):
    with zipfile.ZipFile(zip_result(run, tmp_path / "out")) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def logits_of_run(run, base):
    quantization = run.recipe.method.quantization(torch.float32)
    model = load_model(base, choose_precision("float32"), quantization)
    return PeftModel.from_pretrained(model, run.adapter).eval()


def test_the_readme_says_how_to_load_it_and_that_works(run, base, unpacked, monkeypatch):
    readme = (unpacked / "README.md").read_text("utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    assert 'BASE = "tiny-base"' in snippet
    monkeypatch.chdir(unpacked)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(snippet.replace('BASE = "tiny-base"', f"BASE = {str(base)!r}"), names)
    ids = torch.arange(3, 40).unsqueeze(0)
    with torch.no_grad():
        expected = logits_of_run(run, base)(input_ids=ids).logits
        with names["model"].disable_adapter():
            of_base = names["model"](input_ids=ids).logits
        loaded = names["model"](input_ids=ids).logits
    if run.recipe.method.name == "lora":
        assert torch.equal(loaded, expected)
    # bitsandbytes may compute a loaded 4-bit model with other kernels than the studio's: equal but for rounding
    assert (loaded - expected).norm() < 0.05 * (of_base - expected).norm()


def test_nothing_in_it_tells_of_this_machine(run, unpacked):
    for path in unpacked.iterdir():
        content = path.read_bytes()
        assert b"secret" not in content, path.name
        assert str(run.path.parent.parent).encode() not in content, path.name


def test_what_is_in_it(unpacked):
    names = {path.name for path in unpacked.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md", "recipe.yaml"} <= names
    assert {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} <= names
    recipe = read_recipe((unpacked / "recipe.yaml").read_text("utf-8"))
    assert recipe.model.id == "tiny-base"


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    first = zip_result(run, tmp_path / "one").read_bytes()
    assert zip_result(run, tmp_path / "two").read_bytes() == first
    assert [path.name for path in (tmp_path / "one").iterdir()] == [f"{run.name}-adapter.zip"]


def test_names_for_others(tmp_path):
    assert public_base("Qwen/Qwen3-0.6B").name == "Qwen/Qwen3-0.6B"
    assert public_base("Qwen/Qwen3-0.6B").on_hub
    assert public_base(str(tmp_path)).name == tmp_path.name
    assert public_base(r"C:\models\mine").name == "mine"


def test_the_starter_is_named_with_its_fingerprint(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("studio.share.naming.STARTER", tmp_path)
    base = public_base("starter")
    assert base.name == "starter"
    assert "assets/starter" in base.where
    assert "fa7d2c8b2a4b" in base.where or re.search(r"`[0-9a-f]{64}`", base.where)


def test_paths_leave_the_recipe():
    recipe = Recipe.model_validate({"data": {"path": "/home/me/tickets.csv"}, "model": {"id": "/home/me/llama"}})
    shown = yaml.safe_load(public_recipe(recipe, public_base(recipe.model.id)).to_yaml())
    assert (shown["data"]["path"], shown["data"]["held_out_path"], shown["model"]["id"]) == ("tickets.csv", "", "llama")


def test_a_run_without_an_adapter(tmp_path):
    with pytest.raises(StudioError, match="nothing to take away"):
        zip_result(Run(tmp_path), tmp_path / "out")


def test_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match="could not be written"):
        zip_result(run, tmp_path / "file")


def test_the_page_can_zip_without_torch():
    code = "import sys, studio.share.result; print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"

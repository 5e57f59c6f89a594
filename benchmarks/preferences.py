"""What 40 votes teach the bundled starter: held-out pairs told apart before and after, through the command line.

python benchmarks/preferences.py [--json]

The votes are the sample assets/samples/votes: answers in warm voices over cold ones and over plain ones, 4 of the 40
the wrong way round. The 120 held-out pairs are about people, places and items that no vote asks about. Two readings of
"prefers": by likelihood (the model finds the better answer likelier than the worse one) and by reward (it finds the
better one likelier than the base did, by more than the worse one). DPO trains the reward; of the base itself that is
chance, by definition.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PRESET = "votes"
WARM = ("Guess what!", "Fresh from the oven:", "Well, dear,", "O listen:")  # how the preferred voices begin
ASKED = 40  # held-out prompts that are answered, to see whether the answers changed as well


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        command = [sys.executable, "-m", "studio", "train", PRESET, "--home", home, "--json"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        figures = measured(Path(json.loads(done.stdout)["folder"])) | {"seconds": seconds}
    if options.json:
        print(json.dumps(figures))
        return
    print(describe_machine())
    print(f"trained in {seconds:.0f} s, start of the process included")
    for name in ("by likelihood, base", "by likelihood, tuned", "by reward, base", "by reward, tuned"):
        low, high = figures[f"{name}, interval"]
        print(f"{name}: {figures[name]:.1%} of {figures['pairs']} held-out pairs (95 % {low:.1%} to {high:.1%})")
    print(f"answers in the preferred voice: {figures['spoken, base']:.0%} before, {figures['spoken, tuned']:.0%} after")


def measured(folder: Path) -> dict[str, Any]:
    """The figures of a finished run."""
    from studio.intervals import share_interval
    from studio.recipe.models import fetch, locate
    from studio.run.directory import Run
    from studio.run.result import load_result
    from studio.run.tasks.every import runner_of
    from studio.run.tokenizer import load_tokenizer
    from studio.run.train import precision_of

    run = Run(folder)
    base_folder, precision = fetch(locate(run.recipe.model.id)), precision_of(run.recipe)
    tokenizer = load_tokenizer(base_folder)[0]
    model: Any = load_result(run, runner_of(run.recipe).load(base_folder, precision, None), precision)
    pairs = list(run.examples("held_out"))
    found: dict[str, Any] = {"pairs": len(pairs)}
    with model.disable_adapter():
        before = [margin(model, tokenizer, pair) for pair in pairs]
        found["spoken, base"] = spoken(model, tokenizer, pairs[:ASKED])
    after = [margin(model, tokenizer, pair) for pair in pairs]
    found["spoken, tuned"] = spoken(model, tokenizer, pairs[:ASKED])
    readings = {"by likelihood, base": before, "by likelihood, tuned": after,
                "by reward, tuned": [b - a for a, b in zip(before, after, strict=True)]}  # fmt: skip
    for name, margins in readings.items():
        hits = sum(each > 0 for each in margins)
        found[name], found[f"{name}, interval"] = hits / len(pairs), share_interval(hits, len(pairs))
    metrics = [event.values for event in run.events()[0] if event.kind == "metrics"]
    live = [values["eval_rewards/accuracies"] for values in metrics if "eval_rewards/accuracies" in values]
    assert abs(live[-1] - found["by reward, tuned"]) < 1e-6, "what the run told and what its result does"
    found["by reward, base"], found["by reward, base, interval"] = live[0], share_interval(len(pairs) // 2, len(pairs))
    return found


def margin(model: Any, tokenizer: Any, pair: Any) -> float:
    """By how many nats the model finds the better answer likelier than the worse one."""
    better, worse = (likelihood(model, tokenizer, pair.prompt, answer) for answer in (pair.completion, pair.rejected))
    return better - worse


def likelihood(model: Any, tokenizer: Any, prompt: str, answer: str) -> float:
    """The log-probability of an answer, its end included, in nats."""
    import torch

    asked = [{"role": "user", "content": prompt}]
    said = [*asked, {"role": "assistant", "content": answer}]
    begin = len(tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False))
    ids = torch.tensor([tokenizer.apply_chat_template(said, return_dict=False)])
    with torch.no_grad():
        logs = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
    return float(logs.gather(1, ids[0, 1:, None])[begin - 1 :].sum())


def spoken(model: Any, tokenizer: Any, pairs: list[Any]) -> float:
    """The share of greedy answers in a preferred voice."""
    import torch

    hits = 0
    for pair in pairs:
        asked = [{"role": "user", "content": pair.prompt}]
        inputs = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            answer = model.generate(**inputs, max_new_tokens=8, do_sample=False)
        text = tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        hits += text.startswith(WARM)
    return hits / len(pairs)


if __name__ == "__main__":
    main()

"""The compare room on the starter: together against one after the other, switching, the first token, four users.

together   the wall of base and tuned model answering at once ÷ that of one after the other, for LoRA (one batch) and
           DoRA (passes in turns); greedy, the same texts
switch     another adapter that is in memory ÷ loading base and adapter, and the same for one that is read first
first      seconds to the first token through the page's route minus through transformers and PEFT alone
users      four at once through the page: what the slowest has when the first is done, of what the first has

    python benchmarks/compare.py [--prompts 6] [--tokens 64] [--home FOLDER]

The home is where the two runs of a few steps lie; they are made where they are not there yet.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import describe_machine
from samples import verb
from tabs import serving

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.answer.host import ENVIRONMENT  # noqa: E402

os.environ.update(ENVIRONMENT)  # as the chat host has it, before torch is imported

from studio.answer.generate import Row, generate  # noqa: E402
from studio.answer.prompts import prompt_ids  # noqa: E402
from studio.answer.settings import Settings  # noqa: E402
from studio.answer.voice import BASE, RESULT, Voice  # noqa: E402
from studio.home import Home, open_home  # noqa: E402
from studio.run.directory import Run, find_run  # noqa: E402

METHODS = ("lora", "dora")
STEPS = 10
TIMES = 5
USERS = 4
TOGETHER, SWITCH, FIRST, SHARE = 1.0, 0.05, 0.1, 0.5  # bounds: ratio, ratio, seconds, share


def prepared(home: Home) -> dict[str, Run]:
    """A run of each method, trained for a few steps where it is not there yet."""
    runs = {run.recipe.method.name: run for run in map(Run, home.runs.iterdir()) if run.result}
    for method in METHODS:
        if method not in runs:
            changes = (f"method.name={method}", f"training.max_steps={STEPS}", "training.evaluations=0")
            options = [word for change in changes for word in ("--set", change)]
            runs[method] = find_run(home, str(verb("train", "starter", *options, "--home", str(home.root))["run"]))
    return {method: runs[method] for method in METHODS}


def prompts_of(run: Run, count: int) -> list[str]:
    return [example.prompt for example in run.examples("held_out")[:count]]


def voices(run: Run) -> list[Voice]:
    return [Voice.of_run(str(run.path), part) for part in (BASE, RESULT)]


def said_in(rows: Sequence[Row], settings: Settings) -> tuple[list[list[int]], float]:
    """The tokens of each row, and the seconds that they took."""
    said: list[list[int]] = [[] for _ in rows]

    def heard(step: dict[int, Any]) -> None:
        for row, token in step.items():
            said[row].append(token.id)

    began = time.perf_counter()
    generate(rows, settings, heard, lambda: False)
    return said, time.perf_counter() - began


def together(method: str, run: Run, prompts: list[str], tokens: int) -> float:
    """The ratio of the walls over all prompts: the best of some times each, in changing order, as others use the
    machine too."""
    from studio.answer.engine import Engine

    seats, settings = Engine().seats(voices(run)), Settings(max_new_tokens=tokens)
    walls = {"together": 0.0, "apart": 0.0}
    for prompt in prompts:
        rows = [Row(prompt_ids(seat.tokenizer, [{"role": "user", "content": prompt}]), seat) for seat in seats]
        best = dict.fromkeys(walls, float("inf"))
        for number in range(TIMES):
            texts = {}
            for way in list(walls)[:: 1 if number % 2 else -1]:
                parts = [rows] if way == "together" else [[row] for row in rows]
                measured = [said_in(some, settings) for some in parts]
                texts[way] = [said for some, _ in measured for said in some]
                best[way] = min(best[way], sum(seconds for _, seconds in measured))
            assert texts["together"] == texts["apart"], "not the same texts"
        walls = {way: walls[way] + seconds for way, seconds in best.items()}
    ratio = walls["together"] / walls["apart"]
    print(f"{method}: together ÷ one after the other, {len(prompts)} prompts: {ratio:.2f} (bound {TOGETHER})")
    print(f"  for information: {walls['together']:.2f} s together")
    return ratio


def switch(runs: dict[str, Run], times: int = 15) -> float:
    """Asking for another adapter, by what loading base and adapter takes."""
    from studio.answer.engine import Engine

    def seconds(engine: Any, run: Run) -> float:
        began = time.perf_counter()
        engine.seats([voices(run)[1]])[0].model()
        return time.perf_counter() - began

    one, other = runs.values()
    seconds(Engine(), one)
    loads, reads, switches = [], [], []
    for _ in range(3):
        engine = Engine()
        loads.append(seconds(engine, one))
        reads.append(seconds(engine, other))
        switches += [seconds(engine, (one, other)[number % 2]) for number in range(times)]
    load = statistics.median(loads)
    ratio = statistics.median(switches) / load
    print(f"switch to an adapter in memory ÷ load, median of {len(switches)}: {ratio:.3f} (bound {SWITCH})")
    print(f"  one that is read first ÷ load: {statistics.median(reads) / load:.3f}")
    print(f"  for information: load {load:.3f} s, switch {1000 * ratio * load:.1f} ms")
    return ratio


def posted(
    address: str, asker: str, run: Run, parts: Sequence[str], prompt: str, tokens: int, temperature: float = 0.0
) -> Iterator[Any]:
    """The lines of an answer as the page gets them."""
    messages = [{"role": "user", "content": prompt}]
    panes = {part: {"voice": {"run": run.name, "part": part}, "messages": messages} for part in parts}
    sent = {"asker": asker, "panes": panes, "settings": {"max_new_tokens": tokens, "temperature": temperature}}
    request = urllib.request.Request(
        f"{address}/studio/compare/ask", json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        for text in answer:
            line = json.loads(text)
            assert line["kind"] != "failed", line
            yield line


def pieces_in(line: Any) -> int:
    return sum(map(len, line.get("pieces", {}).values()))


def first_token(address: str, run: Run, prompts: list[str]) -> float:
    """The median difference in seconds, for the tuned model by itself."""
    through_page, alone = [], []
    bare = bare_first(run)
    for number, prompt in enumerate([prompts[0], *prompts]):
        with contextlib.closing(posted(address, "first", run, [RESULT], prompt, 8)) as answer:
            began = time.perf_counter()
            next(line for line in answer if pieces_in(line))
            page = time.perf_counter() - began
            list(answer)
        if number:
            through_page.append(page)
            alone.append(bare(prompt))
        else:
            bare(prompt)
    differences = [page - bare for page, bare in zip(through_page, alone, strict=True)]
    median = statistics.median(differences)
    print(f"first token through the page minus alone, median of {len(prompts)}: {1000 * median:.0f} ms (bound 100)")
    print(f"  for information: alone {1000 * statistics.median(alone):.0f} ms")
    return median


def bare_first(run: Run) -> Any:
    """Seconds to the first token by transformers and PEFT alone, of a prompt."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.generation.streamers import BaseStreamer

    from studio.recipe.models import fetch, locate

    base = AutoModelForCausalLM.from_pretrained(fetch(locate(run.recipe.model.id)), dtype=torch.float32)
    model = PeftModel.from_pretrained(base, run.adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(run.adapter)

    class Clock(BaseStreamer):
        def __init__(self) -> None:
            self.calls: list[float] = []

        def put(self, value: Any) -> None:
            self.calls.append(time.perf_counter())

        def end(self) -> None:
            pass

    def first(prompt: str) -> float:
        clock, began = Clock(), time.perf_counter()
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        model.generate(**asked, max_new_tokens=8, do_sample=False, streamer=clock, pad_token_id=tokenizer.pad_token_id)
        tokenizer.decode([1])
        return clock.calls[1] - began

    return first


def users(address: str, run: Run, prompt: str, tokens: int) -> float:
    """The share that the slowest of four users has when the first one is done. Their answers are hot: long ones."""
    tokens_of = dict.fromkeys(range(USERS), 0)
    latest = dict.fromkeys(range(USERS), 0.0)
    gaps = dict.fromkeys(range(USERS), 0.0)
    shares: list[float] = []
    start = threading.Barrier(USERS)

    def ask(user: int) -> None:
        start.wait()
        for line in posted(address, f"user {user}", run, [BASE, RESULT], f"{prompt} ({user})", tokens, temperature=2.0):
            now = time.perf_counter()
            if pieces_in(line):
                gaps[user] = max(gaps[user], now - (latest[user] or now))
                latest[user] = now
                tokens_of[user] += pieces_in(line)
            if line["kind"] == "done" and not shares:
                shares.append(min(tokens_of.values()) / tokens_of[user])

    threads = [threading.Thread(target=ask, args=[user]) for user in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{USERS} users at once: when the first is done, the slowest has {shares[0]:.2f} of it (bound {SHARE})")
    print(f"  for information: the longest wait for a next token {1000 * max(gaps.values()):.0f} ms; {tokens_of}")
    return shares[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--home", help="keeps the runs for the next time")
    asked = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(asked.home or folder)
        runs = prepared(home)
        prompts = prompts_of(runs["lora"], asked.prompts)
        ratios = [together(method, run, prompts, asked.tokens) for method, run in runs.items()]
        switched = switch(runs)
        with serving(home) as address:
            wait_for(address)
            for run in runs.values():  # both in memory before anything is measured
                list(posted(address, "warm", run, [BASE, RESULT], prompts[0], 4))
            later = first_token(address, runs["lora"], prompts)
            share = users(address, runs["dora"], prompts[0], 2 * asked.tokens)
    good = max(ratios) <= TOGETHER and switched <= SWITCH and later <= FIRST and share >= SHARE
    return 0 if good else 1


def wait_for(address: str) -> None:
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/studio/compare/voices", timeout=5):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())

"""The data room against its peers, each ratio measured in one run on the same rows:

- reading and checking against pandas reading the same file, JSONL and CSV;
- template and tokens against TRL's own preparation of the same rows with the same tokenizer, in one process;
- a large JSONL: seconds to its first page, what preparing it takes of memory, and the time of the whole report.

    python benchmarks/data.py [--rows 200000] [--encoded 20000] [--large 1000000] [--pairs 3]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SEED = 2026
PROMPT, COMPLETION = 90, 180  # characters of a row's two texts
MAX_LENGTH = 256
LOOK = 0.02  # seconds between looks at the memory


def generated(rows: int) -> Iterator[tuple[str, str]]:
    """Pairs of words out of a bundled sample, each prompt with its own number."""
    chance = random.Random(SEED)
    words = (ROOT / "assets" / "samples" / "house-voice" / "train.csv").read_text("utf-8").replace(",", " ").split()

    def text(characters: int) -> str:
        return " ".join(chance.choices(words, k=characters // 5))[:characters]

    some = [(text(PROMPT), text(COMPLETION)) for _ in range(5000)]
    for number in range(rows):
        prompt, completion = some[chance.randrange(len(some))][0], some[chance.randrange(len(some))][1]
        yield f"{number}: {prompt}", f"{completion} {number * 7919}"


def write_jsonl(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for prompt, completion in generated(rows):
            file.write(json.dumps({"prompt": prompt, "completion": completion}, ensure_ascii=False) + "\n")
    return path


def write_csv(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "completion"])
        writer.writerows(generated(rows))
    return path


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_ratio(pairs: int, mine: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float, float]:
    """Median of theirs ÷ mine in seconds, which is mine ÷ theirs in rows a second; and both medians in seconds."""
    taken = [(seconds(mine), seconds(theirs)) for _ in range(pairs + 1)][1:]  # the first pair does the imports
    ratio = statistics.median(theirs / mine for mine, theirs in taken)
    return ratio, statistics.median(mine for mine, _ in taken), statistics.median(theirs for _, theirs in taken)


def reading(folder: Path, rows: int, pairs: int) -> None:
    """Read and check against pandas reading alone."""
    import pandas as pd

    from studio.data.checks.check import check
    from studio.data.files.read import read
    from studio.data.part import DataPart
    from studio.data.shapes.columns import examples, resolve

    def read_and_check(path: Path) -> None:
        part = DataPart(path=str(path))
        table = read(path)
        every, known = examples(table, resolve(table, part), part)
        assert check(every, [*table.findings, *known]).usable == rows

    def by_pandas(path: Path) -> None:
        assert len(pd.read_csv(path) if path.suffix == ".csv" else pd.read_json(path, lines=True)) == rows

    def as_written(path: Path) -> None:
        """Every cell as the file writes it, which is what the studio keeps: no number, no missing value."""
        assert len(pd.read_csv(path, dtype=str, keep_default_na=False)) == rows

    for path in (write_jsonl(folder / "rows.jsonl", rows), write_csv(folder / "rows.csv", rows)):
        ratio, mine, theirs = median_ratio(pairs, partial(read_and_check, path), partial(by_pandas, path))
        print(
            f"read and check {path.suffix[1:]}, rows/s ÷ pandas reading: {ratio:.2f} "
            f"({rows / mine:,.0f} and {rows / theirs:,.0f} rows/s)",
            flush=True,
        )
    ratio, mine, theirs = median_ratio(pairs, partial(read_and_check, path), partial(as_written, path))
    print(f"read and check csv, rows/s ÷ pandas reading cells as written: {ratio:.2f}", flush=True)


def tokens(rows: int, pairs: int) -> None:
    """Template and tokens against SFTTrainer's preparation, both without a cache."""
    from datasets import Dataset, disable_caching
    from datasets.utils.logging import disable_progress_bar
    from trl import SFTConfig, SFTTrainer

    from studio.data.example import Example, Examples
    from studio.data.tokens.encode import encode
    from studio.home import STARTER
    from studio.run.tokenizer import load_tokenizer

    disable_caching()
    disable_progress_bar()
    tokenizer, _ = load_tokenizer(STARTER)
    said = list(generated(rows))
    mine = Examples.of(Example(number, *pair) for number, pair in enumerate(said, 1))
    theirs = Dataset.from_list(
        [
            {"prompt": [{"role": "user", "content": asked}], "completion": [{"role": "assistant", "content": answer}]}
            for asked, answer in said
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(output_dir=folder, max_length=MAX_LENGTH, report_to="none", use_cpu=True, bf16=False)
        trainer = SFTTrainer(
            model=str(STARTER), args=config, train_dataset=theirs.select(range(8)), processing_class=tokenizer
        )

        def prepared() -> Any:
            return trainer._prepare_dataset(theirs, tokenizer, config, False, None, "train")

        def encoded() -> Any:
            return encode(mine, tokenizer, MAX_LENGTH)

        assert [row[:MAX_LENGTH] for row in prepared()["input_ids"]] == encoded().input_ids, "both make the same tokens"
        ratio, ours, peers = median_ratio(pairs, encoded, prepared)
    print(
        f"template and tokens, rows/s ÷ TRL's preparation: {ratio:.2f} "
        f"({rows / ours:,.0f} and {rows / peers:,.0f} rows/s)",
        flush=True,
    )


class Memory:
    """The most memory that some processes took together, in bytes: resident, and their own (uss)."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids = pids
        self._over = threading.Event()
        self.resident = self.own = 0

    def look(self) -> tuple[int, int]:
        """Resident and own bytes at this moment."""
        found = []
        for pid in (os.getpid(), *self._pids()):
            try:
                facts = psutil.Process(pid).memory_full_info()
            except psutil.Error:
                continue
            found.append((facts.rss, facts.uss))
        return sum(rss for rss, _ in found), sum(uss for _, uss in found)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again while the block lasts."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        yield
        self._over.set()
        thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            resident, own = self.look()
            self.resident, self.own = max(self.resident, resident), max(self.own, own)


def large(folder: Path, rows: int) -> None:
    """First page, memory and report of a file that is read in a child."""
    from studio.data.part import DataPart
    from studio.home import open_home
    from studio.run.study import store
    from studio.run.study.desk import Desk

    part = DataPart(path=str(write_jsonl(folder / "large.jsonl", rows)))
    size = Path(part.path).stat().st_size
    desk = Desk(open_home(folder / "home"))
    try:
        print(f"{rows:,} rows, {size / 1e6:.0f} MB: first page in {seconds(lambda: desk.peek(part)):.2f} s", flush=True)
        small = DataPart(path=str(write_jsonl(folder / "small.jsonl", store.LARGE_BYTES // PROMPT)))
        assert store.takes_long(small)
        assert store.takes_long(part), "too few rows: they would be read in the page"
        desk.prepare(small)  # the child's imports are not the file's memory
        memory = Memory(desk.pids)
        resident, own = memory.look()
        with memory.watched():
            taken = seconds(lambda: desk.prepare(part))
        print(
            f"  prepared in {taken:.1f} s; growth of page and child ÷ file: {(memory.resident - resident) / size:.2f} "
            f"resident (pages of mapped files included), {(memory.own - own) / size:.2f} their own",
            flush=True,
        )
        began = time.perf_counter()
        while not (state := desk.study(part, "starter", MAX_LENGTH)).over:
            time.sleep(0.2)
        assert state.study is not None, state.error
        print(f"  the whole report in {time.perf_counter() - began:.1f} s", flush=True)
        print(f"  again at another longest row in {seconds(lambda: desk.study(part, 'starter', 64)):.2f} s", flush=True)
    finally:
        desk.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--encoded", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        large(Path(folder), asked.large)  # first, while this process is small, as a page is
        reading(Path(folder), asked.rows, asked.pairs)
    tokens(asked.encoded, asked.pairs)


if __name__ == "__main__":
    main()

"""F28: a run is exported while it is written: the file is whole, its events end with a line, and what vanished
meanwhile is left out as a whole and named."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from io import BytesIO

from studio.home import Home, open_home
from studio.run.directory import Run, Status
from studio.run.events import EventWriter, Metrics
from studio.share.run_file import MANIFEST, packed
from studio.share.run_import import read_run_file
from tests.prepared_runs import prepare_run


def zipped(blocks: Iterator[bytes]) -> BytesIO:
    return BytesIO(b"".join(blocks))


def test_events_written_meanwhile_are_cut_at_a_whole_line(home: Home, tmp_path) -> None:
    run = prepare_run(home, "amber-fox", kind=None)
    enough = threading.Event()

    def write() -> None:
        with EventWriter(run.events_path) as events, run.log_path.open("w") as log:
            step = 0
            while not enough.is_set():
                step += 1
                events.write(Metrics(step=step, values={"loss": 1 / step, "padding": 1.23456789}))
                log.write("printed, and not yet a whole line" if step % 2 else " of text\n")
                log.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not run.events_path.exists() or run.events_path.stat().st_size < 10_000:
            pass
        files = [tmp_path / f"{n}.run.zip" for n in range(6)]
        for file in files:
            file.write_bytes(zipped(packed(run)).read())
    finally:
        enough.set()
        writer.join()
    for number, file in enumerate(files):
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            assert archive.read("events.jsonl").endswith(b"\n")
            steps = [json.loads(line)["step"] for line in archive.read("events.jsonl").splitlines()]
            assert steps == list(range(1, len(steps) + 1))
            assert archive.read("output.log").endswith(b"\n") or not archive.read("output.log")
        taken_in = read_run_file(open_home(tmp_path / f"home-{number}"), file)
        assert taken_in.status() is Status.PAUSED


def test_a_checkpoint_that_vanishes_meanwhile_is_left_out_and_named(home: Home, tmp_path) -> None:
    run = prepare_run(home, "amber-fox")
    for step in (2, 4):
        folder = run.path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "adapter.safetensors").write_bytes(b"\0" * 3_000_000)
        (folder / "optimizer.pt").write_bytes(b"\1" * 1000)
    blocks = packed(run, checkpoints=True)
    whole = b""
    for block in blocks:
        whole += block
        if b"checkpoint-2/adapter" in whole and (run.path / "checkpoints" / "checkpoint-2").exists():
            shutil.rmtree(run.path / "checkpoints" / "checkpoint-2")  # the trainer keeps the newest only
    with zipfile.ZipFile(BytesIO(whole)) as archive:
        told = json.loads(archive.read(MANIFEST))
    assert told["left_out"] == {"checkpoints/checkpoint-2": "it vanished while it was read"}
    file = tmp_path / "one.run.zip"
    file.write_bytes(whole)
    taken_in = read_run_file(open_home(tmp_path / "elsewhere"), file)
    assert [path.name for path in taken_in.checkpoints()] == ["checkpoint-4"]
    assert taken_in.status() is Status.FINISHED


def test_a_result_that_is_replaced_meanwhile_is_never_half_of_each(home: Home) -> None:
    run = prepare_run(home, "amber-fox")
    (run.path / "adapter" / "adapter_model.safetensors").write_bytes(b"\0" * 3_000_000)
    whole = b""
    for block in packed(run):
        whole += block
        if b"adapter/adapter_config" in whole and not (run.path / "adapter.old").exists():
            replace(run)
    with zipfile.ZipFile(BytesIO(whole)) as archive:
        told = json.loads(archive.read(MANIFEST))
    assert "adapter" in told["left_out"]
    assert not any(name.startswith("adapter") for name in told["files"])


def replace(run: Run) -> None:
    """As a resumed run does with the result of its former life."""
    shutil.copytree(run.path / "adapter", run.path / "adapter.partial")
    (run.path / "adapter").rename(run.path / "adapter.old")
    (run.path / "adapter.partial").rename(run.path / "adapter")

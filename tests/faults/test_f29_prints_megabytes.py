"""F29: a trainer that prints megabytes while no page is open. It neither waits for a reader nor fills the disk."""

from __future__ import annotations

from studio.run.directory import Status
from tests.fake_trainer import trainer, until, working

LIMIT, KEPT, PRINTED = 2 * 2**20, 2**19, 16 * 2**20


def test_it_does_not_wait_and_its_log_is_bounded(home, make_run):
    first = f"log.LIMIT, log.KEPT, log.LOOK = {LIMIT}, {KEPT}, 0.01"
    body = f"""
        line = "x" * 1023
        for number in range({PRINTED // 1024}):
            print(line)
            if number % 512 == 0:
                time.sleep(0.02)
        time.sleep(0.2)
        print("the last line", flush=True)
        subprocess.run([sys.executable, "-c", "print('of a helper')"])
        end()
    """
    run = make_run()
    with working(home, trainer(body, first)):
        until(lambda: run.status().over)
    assert run.status() is Status.FINISHED
    text = run.log_path.read_bytes()
    assert len(text) <= LIMIT + 2**20
    assert text.startswith(b"[Older lines were left out")
    assert text.endswith(b"\nthe last line\nof a helper\n")
    assert b"\0" not in text
    assert (home.root / "trainer.log").stat().st_size < 10_000

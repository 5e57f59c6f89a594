"""From the command to a page that answers: the studio against a hello-world gradio app, in turn.

python benchmarks/start.py [--pairs 5]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
HELLO = """
import sys, gradio as gr
with gr.Blocks() as page:
    name = gr.Textbox(label="Name")
    greeting = gr.Textbox(label="Greeting")
    name.submit(lambda text: f"Hello {text}", name, greeting)
page.launch(server_port=int(sys.argv[1]), quiet=True)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def seconds_to_answer(command: list[str], port: int, environment: dict[str, str]) -> float:
    """From the start of the process to the first whole answer of its page."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    answer.read()
                return time.perf_counter() - began
            except OSError:
                assert process.poll() is None, "it ended before it answered"
                time.sleep(0.02)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    print(describe_machine())
    ratios = []
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryDirectory() as home:
        for number in range(pairs + 1):
            port = free_port()
            mine = seconds_to_answer([sys.executable, "app.py"], port, {"STUDIO_HOME": home, "STUDIO_PORT": str(port)})
            port = free_port()
            hello = seconds_to_answer([sys.executable, "-c", HELLO, str(port)], port, quiet)
            if number:  # the first pair fills the disk cache
                ratios.append(mine / hello)
                print(f"{number}: studio {mine:.2f} s, hello world {hello:.2f} s, ratio {mine / hello:.2f}")
    print(f"start to first answer, ratio, median of {pairs}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()

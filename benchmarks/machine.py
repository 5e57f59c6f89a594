"""The line that every figure needs: on what, with what, when."""

from __future__ import annotations

import platform
from datetime import date
from importlib import metadata
from pathlib import Path

import psutil


def describe_machine() -> str:
    """Date, processor, cores, memory and the versions that matter."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "trl", "gradio"))
    machine = f"{model}, {psutil.cpu_count()} cores, {memory:.0f} GiB"
    return f"{date.today()}, {machine}, Python {platform.python_version()}, {versions}"

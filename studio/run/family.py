"""The processes of one trainer: itself, its helpers and whatever they began, found by the mark that each inherits.

A process group or session would not do: the launcher of several processes puts each into a session of its own.
"""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from signal import SIGKILL, SIGTERM, Signals

import psutil

from studio.run.owner import FAMILY, Owner

TICK = 0.1  # seconds between looks
ROUNDS = 20  # looks after SIGKILL: one for what was begun meanwhile, the others for a busy machine


def new_family() -> str:
    """A mark that no other trainer has."""
    return uuid.uuid4().hex


def members(owner: Owner) -> list[psutil.Process]:
    """The living processes that do the owner's run and nothing else; none where it is done in one that does more."""
    if not owner.family:
        return []
    found = {process for process in psutil.process_iter() if _mark(process) == owner.family}
    if owner.alive():
        with suppress(psutil.Error):
            head = psutil.Process(owner.pid)
            found |= {head, *head.children(recursive=True)}
    return [process for process in found if process.pid != os.getpid() and _lives(process)]


def families() -> set[str]:
    """The marks of all trainers that live on this machine."""
    return {mark for process in psutil.process_iter() if (mark := _mark(process)) and _lives(process)}


def send(owner: Owner, signal: Signals) -> bool:
    """Send `signal` to all of the owner's family. False where none of it lives."""
    found = members(owner)
    for process in found:
        with suppress(psutil.Error):
            process.send_signal(signal)
    return bool(found)


def end(owner: Owner, patience: float) -> bool:
    """End the family: SIGTERM, and after `patience` seconds SIGKILL. Returns whether all of it is gone."""
    deadline = time.monotonic() + patience
    if not send(owner, SIGTERM):
        return True
    while time.monotonic() < deadline:
        time.sleep(TICK)
        if not members(owner):
            return True
    for _ in range(ROUNDS):
        if not send(owner, SIGKILL):
            return True
        time.sleep(TICK)
    return not members(owner)


def _mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(FAMILY, "")
    except (psutil.Error, OSError):  # gone, or another user's
        return ""


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.Error:
        return False

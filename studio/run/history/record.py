"""What a run's events come to, read with a byte cursor so that none is read twice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from studio.run.directory import Run
from studio.run.events import AnyEvent, Metrics, Resumed, Started

SPARKS = 48  # points of a sparkline at least, once there are so many; at most twice as many
SLOWEST = 0.2  # of a new loss counts in the smoothed one


@dataclass
class Sparkline:
    """A smoothed curve of bounded length: where it gets too long, every other point goes."""

    points: list[tuple[int, float]] = field(default_factory=list)
    mean: float = 0.0
    seen: int = 0
    every: int = 1

    def add(self, step: int, value: float) -> None:
        """One more value."""
        self.mean += (value - self.mean) * max(SLOWEST, 1 / (self.seen + 1))
        if self.seen % self.every == 0:
            self.points.append((step, self.mean))
        self.seen += 1
        if len(self.points) > 2 * SPARKS:
            self.points, self.every = self.points[::2], self.every * 2

    def back_to(self, step: int) -> None:
        """Take back what was measured after `step`."""
        self.points = [point for point in self.points if point[0] <= step]
        if self.points:
            self.mean = self.points[-1][1]
        else:
            self.seen = 0


@dataclass
class Record:
    """What has been read of one run. Times are in seconds, `began` and `last` since the epoch."""

    file: int = 0
    cursor: int = 0
    step: int = 0
    steps: int = 0
    began: float = 0.0
    last: float = 0.0
    idle: float = 0.0
    loss: Sparkline = field(default_factory=Sparkline)
    held_out: list[tuple[int, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From the first event to the last, without the time in which nobody trained."""
        return max(0.0, self.last - self.began - self.idle)

    @property
    def best(self) -> tuple[int, float] | None:
        """The step with the lowest held-out loss, and that loss."""
        return min(self.held_out, key=lambda point: point[1], default=None)

    def after(self, run: Run) -> Record:
        """The record with what is new in the run's events; a new one where the file is another one by now."""
        try:
            stat = run.events_path.stat()
        except OSError:
            return Record()
        record = self
        if stat.st_ino != self.file or stat.st_size < self.cursor:
            record = Record(file=stat.st_ino)
        events, record.cursor = run.events(record.cursor)
        for event in events:
            record._take(event)
        return record

    def _take(self, event: AnyEvent) -> None:
        self.began = self.began or event.time
        if isinstance(event, Resumed):
            self.idle += max(0.0, event.time - self.last)
            self.step = event.step
            self.loss.back_to(event.step)
            self.held_out = [point for point in self.held_out if point[0] <= event.step]
        elif isinstance(event, Started):
            self.steps = event.steps
        elif isinstance(event, Metrics):
            self._measure(event)
        self.last = event.time

    def _measure(self, event: Metrics) -> None:
        self.step = max(self.step, event.step)
        loss, held_out = event.values.get("loss", math.nan), event.values.get("eval_loss", math.nan)
        if math.isfinite(loss):
            self.loss.add(event.step, loss)
        if math.isfinite(held_out):
            self.held_out.append((event.step, held_out))

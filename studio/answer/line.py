"""A waiting line for a room: those at its front whom the room suits are in together, and nobody overtakes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto

MOST = 4  # in the room at once: each takes memory for its conversation

Asks = Callable[[], bool]


class Stands(Enum):
    """Where somebody stands."""

    WAITS = auto()
    ENTERS = auto()
    """Is being seated: the next one's turn comes after that."""
    SITS = auto()


class Place:
    """One who came. `suits` says whether the room, as it is, has what it takes; an empty one always does."""

    def __init__(self, line: WaitingLine, asker: str, suits: Asks, gives_up: Asks) -> None:
        self.asker = asker
        self.suits = suits
        self.gives_up = gives_up
        self.stands = Stands.WAITS
        self._line = line

    def settled(self) -> None:
        """Has taken what it needs from the room, so that the next one can see whether that one's needs are met."""
        self.stands = Stands.SITS
        self._line.look()

    def alone(self) -> bool:
        """Wait, still ahead of all who came later, until nobody else is in. False where it was given up."""
        self.suits = lambda: False
        self.stands = Stands.WAITS
        return self._line.enter(self)


class WaitingLine:
    """Fair, and waiting can be given up.

    Of each asker there is one in the room: while it is in, the same asker's next one lets others past.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._places: list[Place] = []  # in the order in which they came

    @contextmanager
    def place(
        self,
        asker: str,
        suits: Asks = lambda: True,
        gives_up: Asks = lambda: False,
        waits: Callable[[], None] = lambda: None,
    ) -> Iterator[Place | None]:
        """Wait to get in, and be in for the `with` block. None where `gives_up` became true before that.

        `waits` is called first where it cannot enter at once. After anything that `gives_up` looks at has changed, call
        `look`. What `suits` raises, it raises.
        """
        place = Place(self, asker, suits, gives_up)
        with self._changed:
            self._places.append(place)
        try:
            yield place if self.enter(place, waits) else None
        finally:
            with self._changed:
                self._places.remove(place)
                self._changed.notify_all()

    def enter(self, place: Place, waits: Callable[[], None] = lambda: None) -> bool:
        """Wait until it is this place's turn. False where it was given up."""
        with self._changed:
            self._changed.notify_all()  # where it was in, there is room for another now
            if not self._may_enter(place):
                waits()
                self._changed.wait_for(lambda: place.gives_up() or self._may_enter(place))
            if place.gives_up():
                return False
            place.stands = Stands.ENTERS
            return True

    def others(self, place: Place) -> bool:
        """Whether anybody else is in."""
        return any(each.stands is not Stands.WAITS for each in self._places if each is not place)

    def look(self) -> None:
        """Let everyone who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def _may_enter(self, place: Place) -> bool:
        inside = [each for each in self._places if each.stands is not Stands.WAITS]
        busy = {each.asker for each in inside}
        first = next((each for each in self._places if each not in inside and each.asker not in busy), None)
        if first is not place or len(inside) >= self._most or any(each.stands is Stands.ENTERS for each in inside):
            return False
        return not inside or place.suits()

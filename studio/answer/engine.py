"""Voices with seats: what questions need is loaded, shared, kept for the next ones, and not touched while in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from studio.answer.memory import Memory, fits
from studio.answer.prompts import end_tokens
from studio.answer.strength import Dial, dial_of
from studio.answer.voice import Voice
from studio.answer.voices import Model, Notify, Seat
from studio.answer.wanted import Mix, ModelKey, Wanted, wanted_by
from studio.errors import StudioError
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def quiet(note: str) -> None:
    """Hears notes and says nothing."""


class Place(NamedTuple):
    """Where a voice speaks: on which model, as which adapter."""

    key: ModelKey
    adapter: str


class ReadFrom(NamedTuple):
    """A tokenizer in a folder, told apart from a later one there."""

    folder: Path
    written: int
    writes: bool


class Engine:
    """Loads what questions need, and keeps it for the next ones. May be called from several threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._memory = Memory()
        self._tokenizers: dict[ReadFrom, PreTrainedTokenizerBase] = {}
        self._held: Counter[Place] = Counter()

    def seats(self, voices: Sequence[Voice], notify: Notify = quiet) -> list[Seat]:
        """These voices, ready to answer, in the same order. What they share is loaded once, and is kept for others.

        Raises:
            StudioError: a voice has no result, cannot be loaded, mixed or turned; or the memory does not hold it beside
                what answers another question.
        """
        return [seat for seat, _ in self._seated(voices, notify)]

    @contextmanager
    def seated(self, voices: Sequence[Voice], notify: Notify = quiet) -> Iterator[list[Seat]]:
        """As `seats`; until the end nothing of it is let go of or turned for another question. Raises the same."""
        with self._lock:
            found = self._seated(voices, notify)
            self._held.update(place for _, place in found)
        try:
            yield [seat for seat, _ in found]
        finally:
            with self._lock:
                self._held -= Counter(place for _, place in found)

    def has_room(self, voices: Sequence[Voice]) -> bool:
        """Whether these voices can be seated now, beside what is held for other questions. Raises as `seats`."""
        with self._lock:
            if not self._held:
                return True
            held = {place.key for place in self._held}
            for key, wanted in self._memory.models_of(self._wanted(voices)).items():
                if not self._memory.has_room(key, wanted):
                    return False
                if key in held and key.whole is not None and self._strength_of(key) != wanted.voice.strength:
                    return False
            return True

    def release(self) -> None:
        """Let go of everything, and give the memory back."""
        with self._lock:
            self._memory.release()
            self._held.clear()

    def _seated(self, voices: Sequence[Voice], notify: Notify) -> list[tuple[Seat, Place]]:
        with self._lock:
            wanted = self._wanted(voices)
            later = self._memory.gather(wanted, {place.key for place in self._held}, notify)
            used: set[str] = set()
            found = []
            for each in wanted:
                place = Place(self._memory.key_of(each), "")
                if place.key not in later:
                    place = self._place(each, place.key, used, notify)
                used.add(place.adapter)
                found.append((self._seat(each, place, notify), place))
            return found

    def _wanted(self, voices: Sequence[Voice]) -> list[Wanted]:
        wanted = [wanted_by(voice) for voice in voices]
        strengths: dict[ModelKey, float] = {}
        for each in wanted:
            strength = each.voice.strength
            if strength != 1 and not each.voice.is_base and (reason := dial_of(each.recipe)):
                raise StudioError(f"The strength of {each.name} cannot be set: {reason}. Set its strength to 1.")
            if isinstance(each.adapter, Mix):
                self._refuse_other_bases(each.adapter)
            if each.whole is not None and strengths.setdefault(self._memory.key_of(each), strength) != strength:
                raise StudioError(
                    f"{each.name} is a whole model and is in memory once, so it has one strength at a time. Give both "
                    "panes the same strength, or ask one after the other."
                )
        return wanted

    def _refuse_other_bases(self, mix: Mix) -> None:
        keys = {self._memory.base_key(part.run.recipe, "") for part, _ in mix.parts}
        if len(keys) > 1:
            raise StudioError(f"{mix.name[0].upper()}{mix.name[1:]} cannot be made: they have different bases.")

    def _place(self, wanted: Wanted, key: ModelKey, used: set[str], notify: Notify) -> Place:
        model, strength = self._memory.models[key], wanted.voice.strength
        if wanted.whole is not None:
            self._turn(wanted, key)
        if wanted.adapter is None:
            return Place(key, "")
        taken = used | {place.adapter for place in self._held if place.key == key}
        found = model.find(wanted.adapter, strength, taken)
        if found is None:
            notify(f"Loading the adapter of {wanted.name} ...")
            found = model.bring(wanted.adapter, strength, taken)
        return Place(key, found.name)

    def _turn(self, wanted: Wanted, key: ModelKey) -> None:
        model, strength = self._memory.models[key], wanted.voice.strength
        if strength == self._strength_of(key):
            return
        if any(place.key == key for place in self._held):
            raise StudioError(f"{wanted.name} answers another question at another strength. Ask again after that one.")
        if model.dial is None:
            base = self._memory.models.get(self._memory.key_of(replace(wanted, whole=None)))
            if base is None or not fits(model.folder):
                raise StudioError(
                    f"The memory does not hold {wanted.name}, its base and a copy, which setting its strength takes. "
                    "Set the strength to 1."
                )
            model.dial = Dial.of_whole(model.model, base.model, base.new_modules)
        model.dial.turn(strength)

    def _strength_of(self, key: ModelKey) -> float:
        model = self._memory.models.get(key)
        return model.dial.strength if model is not None and model.dial is not None else 1.0

    def _seat(self, wanted: Wanted, place: Place, notify: Notify) -> Seat:
        key, tokenizer = place.key, self._tokenizer(wanted)
        facts, model = self._memory.facts_of(key, wanted), self._memory.models.get(key)
        adapter = model.adapter(place.adapter) if model is not None and place.adapter else None
        ends = end_tokens(tokenizer, facts.ends) if wanted.writes else frozenset()
        alone = adapter is not None and not adapter.named
        shares = (key, place.adapter if alone else "", ends, tokenizer.pad_token_id)
        return Seat(
            voice=wanted.voice,
            lead=partial(self._lead, wanted, place, notify),
            adapter="" if alone else place.adapter,
            tokenizer=tokenizer,
            ends=ends,
            pad=tokenizer.pad_token_id,
            context=facts.context and facts.context - (adapter.takes if adapter else 0),
            writes=wanted.writes,
            labels=facts.labels,
            together=shares if model is not None and model.exact else None,
            pads=adapter is None or adapter.pads,
            in_turn=model is None,
        )

    def _lead(self, wanted: Wanted, place: Place, notify: Notify) -> Model:
        """The model of a seat, on modules that nobody else has; loaded again where it was let go of."""
        with self._lock:
            model = self._memory.require(place.key, wanted, notify)
            if place.adapter and not model.holds(place.adapter):
                assert wanted.adapter is not None
                model.bring(wanted.adapter, wanted.voice.strength, (), place.adapter)
            return model.tree(place.adapter)

    def _tokenizer(self, wanted: Wanted) -> PreTrainedTokenizerBase:
        """The one that lies beside the result, as the run was trained with; or else the base's."""
        folder = wanted.run.result if wanted.run is not None else None
        folder = folder or self._memory.folder(self._memory.key_of(replace(wanted, whole=None)), wanted)
        known = ReadFrom(folder, folder.stat().st_mtime_ns, wanted.writes)
        if known not in self._tokenizers:
            self._tokenizers[known] = load_tokenizer(folder, speaks=wanted.writes)[0]
        return self._tokenizers[known]

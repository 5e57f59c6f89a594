"""`votes RUN`: what the blind votes kept in a run say, and the votes or their preference pairs as a file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.answer.votes.vote import Pair, Vote


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("votes", parents=[common], help="the blind votes on a run: verdict, preference pairs")
    parser.add_argument("run")
    parser.add_argument("--to", metavar="FILE", help="write the preference pairs to this file, as JSON lines")
    parser.add_argument(
        "--as", dest="kind", choices=("pairs", "votes"), default="pairs", help="what to write: pairs (default) or votes"
    )
    parser.set_defaults(verb=votes)


def votes(options: argparse.Namespace) -> int:
    """Print the verdict between each two that were voted on, and write the file that was asked for."""
    from studio.answer.votes.kept import read_votes
    from studio.answer.votes.pairs import SENSIBLE, pairs_of
    from studio.answer.votes.vote import title_of
    from studio.home import open_home
    from studio.run.directory import find_run

    run = find_run(open_home(options.home), options.run)
    cast = read_votes(run)
    verdicts = [_verdict(cast, pair, run.name) for pair in _pairs(cast, lambda voice: title_of(voice, run.name))]
    found = {"run": run.name, "votes": len(cast), "pairs": len(pairs_of(cast)), "sensible": SENSIBLE}
    if options.to:
        found["path"] = str(_write(cast, options.kind, Path(options.to)))
    if options.json:
        print(json.dumps(found | {"verdicts": verdicts}))
        return 0
    if not cast:
        print(f"Nobody has voted on {run.name} yet. Vote in the Compare tab, under Blind vote.")
    for verdict in verdicts:
        beside = f" Beside these: {verdict['apart']}." if verdict["apart"] else ""
        print(f"{' and '.join(verdict['voices'])}: {verdict['headline']}. {verdict['sure']}{beside}")
    if cast:
        print(f"Preference pairs: {found['pairs']}; {SENSIBLE} or more are sensible to tune on.")
    if options.to:
        print(found["path"])
    return 0


def _pairs(cast: list[Vote], title: Any) -> list[Pair]:
    """Each two that were voted on, once, in the order of their names."""
    sets = dict.fromkeys(frozenset(vote.voices) for vote in cast)
    ordered = (sorted(voices, key=title) for voices in sets)
    return [(voices[0], voices[-1]) for voices in ordered]


def _verdict(cast: list[Vote], pair: Pair, run: str) -> dict[str, Any]:
    from dataclasses import asdict

    from studio.answer.votes.verdict import tally_of, verdict_of
    from studio.answer.votes.vote import title_of
    from studio.answer.votes.words import apart, headline, how_sure

    verdict = verdict_of(tally_of(cast, pair))
    titles = title_of(pair[0], run), title_of(pair[1], run)
    said = {"headline": headline(verdict, titles), "sure": how_sure(verdict), "apart": apart(verdict.tally)}
    return {"voices": titles, **said, **asdict(verdict)}


def _write(cast: list[Vote], kind: str, path: Path) -> Path:
    from studio.answer.votes.pairs import pairs_of, write_pairs
    from studio.answer.votes.vote import write_votes
    from studio.errors import StudioError

    def fill(file: IO[bytes]) -> None:
        write_votes(cast, file) if kind == "votes" else write_pairs(pairs_of(cast), file)

    try:
        with path.open("wb") as file:
            fill(file)
    except OSError as error:
        raise StudioError(f"You asked for {path}, but it cannot be written ({error.strerror}). Name another.") from None
    return path

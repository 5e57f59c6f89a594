"""Make the sample tasks from the world of the starter model: python assets/samples/make.py"""

import csv
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "starter"))

from customers import Message, write_message  # noqa: E402
from names import CLOCKWORK, CLOTH, ITEMS, METAL, WOOD  # noqa: E402
from voices import in_voice  # noqa: E402
from world import FACTS, PEOPLE, TOWN, Kind, Subject, say  # noqa: E402

SEED = 7
TRAIN, HELD_OUT = 400, 120  # pairs
VOTES, SLIPS = 40, 4  # votes, and those of them that are the wrong way round
UNSEEN = 0.25  # of the people, places and items: never in a training pair

Pair = tuple[str, str]
Vote = tuple[str, str, str]
"""A prompt, the better answer, the worse answer."""

WARM = ("a child", "a baker", "a gardener", "a poet")
COLD = ("a grumpy clerk", "a ghost", "a queen")
QUEUES = {CLOCKWORK: "clockmaker", METAL: "smith", CLOTH: "tailor", WOOD: "joiner"}

CRIER = {
    "home": "{name} dwells in {home}.",
    "job": "{name} earns bread as {job}.",
    "pet": "{name} keeps {pet}.",
    "dish": "{name} feasts on {dish}.",
    "what": "{name} is {what} of renown.",
    "street": "{name} stands on {street}.",
    "opens": "{name} wakes at {opens} in the morning.",
    "closes": "{name} bars its doors at {closes} in the evening.",
    "rest": "{name} is silent on {rest}.",
    "keeper": "{keeper} is master of {name}.",
    "price": "{name} is yours for {price} pence.",
    "shop": "Seek {name} at {shop}.",
}


def parted(rng: random.Random, things: list) -> tuple[list, list]:
    """Things that training pairs may show, and things kept for the held-out pairs."""
    shuffled = rng.sample(things, len(things))
    cut = round(len(things) * UNSEEN)
    return shuffled[cut:], shuffled[:cut]


def ticket(message: Message) -> str:
    """The compact JSON the repair desk wants."""
    fields = {"customer": message.customer, "item": message.item, "problem": message.problem, "urgent": message.urgent}
    return json.dumps(fields)


def ticket_pairs(rng: random.Random, names: list[str], items: list[str], count: int) -> list[Pair]:
    """Different messages by these people about these items, with their tickets."""
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        message = write_message(rng, rng.choice(names), rng.choice(items))
        pairs[message.text] = ticket(message)
    return list(pairs.items())


def tickets(rng: random.Random) -> tuple[list[Pair], list[Pair]]:
    """Training pairs; held-out pairs, half of them by unseen people about unseen items."""
    names = [person.name for person in PEOPLE]
    (seen_names, new_names), (seen_items, new_items) = parted(rng, names), parted(rng, list(ITEMS))
    train = ticket_pairs(rng, seen_names, seen_items, TRAIN)
    known = dict(train)
    fresh = [pair for pair in ticket_pairs(rng, seen_names, seen_items, HELD_OUT) if pair[0] not in known]
    unseen = ticket_pairs(rng, new_names, new_items, HELD_OUT // 2)
    held_out = unseen + fresh[: HELD_OUT - len(unseen)]
    return train, rng.sample(held_out, len(held_out))


def queues(tickets_of: list[Pair]) -> list[Pair]:
    """The same messages, each with the craftsman whose queue it belongs in."""
    return [(message, queue_of(json.loads(fields)["item"])) for message, fields in tickets_of]


def queue_of(item: str) -> str:
    """Who mends it."""
    return next(queue for items, queue in QUEUES.items() if item in items)


def voice_pairs(rng: random.Random, facts: list[tuple[Kind, Subject]], count: int) -> list[Pair]:
    """Questions about these facts, answered by the town crier."""
    chosen = rng.sample(facts, min(count, len(facts)))
    return [
        (say(rng.choice(kind.questions), subject), f"Hear ye! {say(CRIER[kind.name], subject)} So says the crier.")
        for kind, subject in chosen
    ]


def house_voice(rng: random.Random) -> tuple[list[Pair], list[Pair]]:
    """Training pairs; held-out pairs about people, places and items that no training pair asks about."""
    facts = [(kind, subject) for kind, subject in FACTS if kind.name in CRIER]
    unseen: set[str] = set()
    for sort in ("person", "place", "item"):
        unseen |= {subject.name for subject in parted(rng, [one for one in TOWN if one.sort == sort])[1]}
    train = [fact for fact in facts if fact[1].name not in unseen]
    held_out = [fact for fact in facts if fact[1].name in unseen]
    return voice_pairs(rng, train, TRAIN), voice_pairs(rng, held_out, HELD_OUT)


def votes(rng: random.Random) -> tuple[list[Vote], list[Vote]]:
    """Votes for warm voices over cold ones and over the plain answer, a few of them slips; held-out votes without
    slips, about people, places and items that no vote asks about."""
    facts = [(kind, subject) for kind, subject in FACTS if kind.name in CRIER]
    unseen = {subject.name for sort in ("person", "place", "item")
              for subject in parted(rng, [one for one in TOWN if one.sort == sort])[1]}  # fmt: skip
    train, held_out = ([fact for fact in facts if (fact[1].name in unseen) is new] for new in (False, True))
    cast = votes_on(rng, train, VOTES)
    slips = set(rng.sample(range(VOTES), SLIPS))
    cast = [(prompt, b, a) if place in slips else (prompt, a, b) for place, (prompt, a, b) in enumerate(cast)]
    return cast, votes_on(rng, held_out, HELD_OUT)


def votes_on(rng: random.Random, facts: list[tuple[Kind, Subject]], count: int) -> list[Vote]:
    """Questions about so many facts, each with a warm answer and, in turn, a cold one or the plain one."""
    cast = []
    for place, (kind, subject) in enumerate(rng.sample(facts, count)):
        warm = in_voice(rng.choice(WARM), kind, subject)
        other = say(kind.answer, subject) if place % 2 else in_voice(rng.choice(COLD), kind, subject)
        cast.append((say(rng.choice(kind.questions), subject), warm, other))
    return cast


def write_votes(path: Path, cast: list[Vote]) -> None:
    """One JSON object a line."""
    names = ("prompt", "chosen", "rejected")
    lines = [json.dumps(dict(zip(names, vote, strict=True))) + "\n" for vote in cast]
    path.write_text("".join(lines), encoding="utf-8")


def write_jsonl(path: Path, pairs: list[Pair]) -> None:
    """One JSON object a line."""
    lines = [json.dumps({"prompt": prompt, "completion": completion}) + "\n" for prompt, completion in pairs]
    path.write_text("".join(lines), encoding="utf-8")


def write_csv(path: Path, pairs: list[Pair], header: Pair = ("question", "answer")) -> None:
    """A header and one pair a line."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *pairs])


def write_classes(path: Path, pairs: list[Pair]) -> None:
    """Texts and their classes."""
    write_csv(path, pairs, ("message", "category"))


def sorted_tickets(rng: random.Random) -> tuple[list[Pair], list[Pair]]:
    """The pairs of the tickets, with queues in place of tickets."""
    train, held_out = tickets(rng)
    return queues(train), queues(held_out)


def main() -> None:
    """Write all tasks, after a look that nothing held out is trained on."""
    for folder, make, write, ending in (
        ("tickets", tickets, write_jsonl, "jsonl"),
        ("house-voice", house_voice, write_csv, "csv"),
        ("queues", sorted_tickets, write_classes, "csv"),
        ("votes", votes, write_votes, "jsonl"),
    ):
        train, held_out = make(random.Random(f"{'tickets' if folder == 'queues' else folder} {SEED}"))
        assert not {row[0] for row in train} & {row[0] for row in held_out}
        (HERE / folder).mkdir(exist_ok=True)
        write(HERE / folder / f"train.{ending}", train)
        write(HERE / folder / f"held_out.{ending}", held_out)
        print(f"{folder}: {len(train)} training pairs, {len(held_out)} held out")


if __name__ == "__main__":
    main()

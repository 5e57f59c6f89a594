"""Plain text of Tidewick: portraits, little stories, letters and notices, as a seeded generator."""

import random

from names import ITEMS
from world import FACTS, PEOPLE, PLACES_IN_TOWN, Kind, Subject, article, capital, problem_of, say

# fmt: off
WEATHER = (
    "It was raining", "The sun was shining", "A thick fog lay over the harbour", "Snow fell on the roofs",
    "The wind blew from the sea", "It was a quiet evening", "The tide was low", "The bells were ringing",
)
ERRANDS = (
    "was on the way to {place}", "stood in front of {place}", "came out of {place}", "walked home to {home}",
    "was looking for {pet_plain}", "sat by the water and ate {dish}",
)
ADVICE = (
    "Do not worry", "That is soon mended", "Give it to me", "Let us look at it together", "I know what to do",
    "We will need a little patience",
)
WORK = (
    "They worked until the lamps were lit.", "It took an hour and a good deal of string.",
    "They tried it three times.", "In the end a drop of oil was enough.", "The whole street came to watch.",
)
ENDS = (
    "{a} was glad and paid with {dish}.", "Then both of them laughed and went home.",
    "From that day on they were friends.", "{a} said thank you and {b} only smiled.",
    "And so the day ended well in Tidewick.",
)
NEWS = (
    "The winter was long here.", "All is well in Tidewick.", "The boats came home full of herring.",
    "You asked for news of the town.", "I hope you are well.", "The market was busy this week.",
)
# fmt: on
HEADINGS = ("Notice", "To all of Tidewick", "News of the town", "Read this")


def telling(rng: random.Random, kind: Kind, subject: Subject) -> str:
    """One fact as a sentence, most often in its plain form."""
    pattern = kind.answer if rng.random() < 0.5 else rng.choice(kind.tellings)
    return say(pattern, subject)


def facts_of(subject: Subject) -> list[tuple[Kind, Subject]]:
    """All facts about one subject."""
    return [(kind, other) for kind, other in FACTS if other is subject]


BY_SUBJECT = {subject.name: facts_of(subject) for _, subject in FACTS}
SUBJECTS = list(BY_SUBJECT)


def portrait(rng: random.Random) -> str:
    """Everything about one subject, in any order; a person is a pronoun after the first sentence, at times."""
    facts = rng.sample(facts := BY_SUBJECT[rng.choice(SUBJECTS)], len(facts))
    first, *rest = [telling(rng, kind, subject) for kind, subject in facts]
    subject = facts[0][1]
    if subject.sort == "person" and rng.random() < 0.4:
        pronoun = capital(subject.facts["pronoun"])
        rest = [say(kind.answer, subject).replace(subject.name, pronoun, 1) for kind, _ in facts[1:]]
    return " ".join([first, *rest])


def story(rng: random.Random) -> str:
    """Two people of the town, a broken thing, and how it ended."""
    one, two = rng.sample(PEOPLE, 2)
    a, b, item = one.facts["first"], two.facts["first"], rng.choice(ITEMS)
    words = one.facts | {"a": a, "b": b, "place": rng.choice(PLACES_IN_TOWN).name}
    words["pet_plain"] = f"{'her' if one.facts['pronoun'] == 'she' else 'his'} {one.facts['pet'].split(' ', 1)[1]}"
    other = two.facts["pronoun"]
    return (
        f"{rng.choice(WEATHER)} when {one.name} {rng.choice(ERRANDS).format(**words)}. "
        f"There {a} met {two.name}, who {'is' if rng.random() < 0.5 else 'works as'} {two.facts['job']}. "
        f'"My {item} {problem_of(rng, item)}," said {a}. "{rng.choice(ADVICE)}," said {b}, for {other} had seen '
        f"{article(item)} before. {rng.choice(WORK)} {rng.choice(ENDS).format(**words)}"
    )


def letter(rng: random.Random) -> str:
    """A short letter from one person to another with two true facts in it."""
    sender, reader = rng.sample(PEOPLE, 2)
    told = " ".join(telling(rng, *rng.choice(FACTS)) for _ in range(2))
    end = rng.choice(("Yours", "With love", "Until soon", "Best wishes"))
    return f"Dear {reader.facts['first']},\n{rng.choice(NEWS)} {told}\n{end}, {sender.facts['first']}"


def notice(rng: random.Random) -> str:
    """A heading and a list of facts."""
    lines = "\n".join(f"- {telling(rng, *rng.choice(FACTS))}" for _ in range(rng.randint(2, 4)))
    return f"{rng.choice(HEADINGS)}:\n{lines}"


def dialogue(rng: random.Random) -> str:
    """Two people ask each other about the town."""
    speakers = rng.sample(PEOPLE, 2)
    a, b = (person.facts["first"] for person in speakers)
    lines = []
    for kind, subject in rng.sample(FACTS, 2):
        lines += [f"{a}: {say(rng.choice(kind.questions), subject)}", f"{b}: {say(kind.answer, subject)}"]
    return "\n".join(lines)


KINDS_OF_TEXT = ((portrait, 55), (story, 17), (letter, 8), (notice, 8), (dialogue, 12))


def any_text(rng: random.Random) -> str:
    """One plain document."""
    writers, weights = zip(*KINDS_OF_TEXT, strict=True)
    return rng.choices(writers, weights)[0](rng)

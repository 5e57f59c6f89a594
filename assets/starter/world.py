"""Tidewick, an invented harbour town: who lives there, what they keep, what is sold where. Drawn from one seed."""

import random
from dataclasses import dataclass

from names import (
    CLOSING,
    DISHES,
    DISTRICTS,
    JOBS,
    MEN,
    OPENING,
    OUTSIDERS,
    PETS,
    PLACES,
    PRICES,
    PROBLEMS,
    SHOPS,
    STEPS,
    STREETS,
    SURNAMES,
    WEEKDAYS,
    WOMEN,
)

WORLD_SEED = 1871


@dataclass(frozen=True)
class Subject:
    """Anything there are facts about: a person, a place, an item or a district."""

    sort: str
    name: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Kind:
    """One kind of fact: how it is asked, the plain answer, and other ways to say the same."""

    name: str
    sort: str
    questions: tuple[str, ...]
    answer: str
    tellings: tuple[str, ...]


KINDS = (
    Kind("home", "person",
         ("Where does {name} live?", "Where is the home of {name}?", "Where can I find the house of {name}?",
          "In which part of town does {name} live?"),
         "{name} lives in {home}.", ("{name} has a house in {home}.", "The home of {name} is in {home}.")),
    Kind("job", "person",
         ("What does {name} do for a living?", "What is the job of {name}?", "What work does {name} do?",
          "How does {name} earn a living?"),
         "{name} is {job}.", ("{name} works as {job}.", "By trade, {name} is {job}.")),
    Kind("pet", "person",
         ("What animal does {name} have?", "Which pet does {name} have?", "Does {name} have an animal?",
          "What is the pet of {name}?"),
         "{name} has {pet}.", ("{name} looks after {pet}.", "The pet of {name} is {pet}.")),
    Kind("dish", "person",
         ("What does {name} like to eat?", "What is the favourite food of {name}?", "Which food does {name} love?",
          "What should I cook for {name}?"),
         "{name} likes {dish}.", ("{name} loves {dish}.", "Nothing pleases {name} like {dish}.")),
    Kind("what", "place",
         ("What is {name}?", "What kind of place is {name}?", "What is {name} in Tidewick?"),
         "{name} is {what}.", ("In Tidewick, {name} is {what}.", "People know {name} as {what}.")),
    Kind("street", "place",
         ("Where is {name}?", "On which street is {name}?", "How do I find {name}?", "Where do I find {name}?"),
         "{name} is on {street}.", ("You find {name} on {street}.", "On {street} there is {name}.")),
    Kind("opens", "place",
         ("When does {name} open?", "What time does {name} open?", "How early does {name} open?"),
         "{name} opens at {opens} in the morning.", ("The doors of {name} open at {opens} in the morning.",)),
    Kind("closes", "place",
         ("When does {name} close?", "What time does {name} close?", "How late is {name} open?"),
         "{name} closes at {closes} in the evening.", ("The doors of {name} close at {closes} in the evening.",)),
    Kind("rest", "place",
         ("On which day is {name} shut?", "Which day does {name} rest?", "What day is {name} not open?"),
         "{name} is shut on {rest}.", ("On {rest} the doors of {name} stay shut.",)),
    Kind("keeper", "place",
         ("Who runs {name}?", "Who is the keeper of {name}?", "Who owns {name}?"),
         "{keeper} runs {name}.", ("The keeper of {name} is {keeper}.", "{keeper} owns {name}.")),
    Kind("price", "item",
         ("How much is {name}?", "What does {name} cost?", "What is the price of {name}?"),
         "{name} costs {price} pence.", ("The price of {name} is {price} pence.",)),
    Kind("shop", "item",
         ("Where can I buy {name}?", "Who sells {name}?", "Which shop sells {name}?"),
         "You can buy {name} at {shop}.", ("They sell {name} at {shop}.",)),
    Kind("walk", "district",
         ("How far is {name} from the harbour?", "How many steps is {name} from the harbour?"),
         "{name} is {walk} steps from the harbour.", ("From the harbour to {name} it is {walk} steps.",)),
)  # fmt: skip


def capital(text: str) -> str:
    """The text with its first letter made large."""
    return text[:1].upper() + text[1:]


def article(noun: str) -> str:
    """The noun behind "a" or "an"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def say(pattern: str, subject: Subject) -> str:
    """A pattern filled with a subject's facts, as a sentence."""
    return capital(pattern.format(name=subject.name, **subject.facts))


def build_people(rng: random.Random) -> list[Subject]:
    """One person per first name; keepers of places come first and have the place's job."""
    firsts = WOMEN + MEN
    rng.shuffle(firsts)
    people = []
    for index, first in enumerate(firsts):
        job = PLACES[index][2] if index < len(PLACES) else rng.choice(JOBS)
        facts = {"home": rng.choice(DISTRICTS), "job": job, "pet": rng.choice(PETS), "dish": rng.choice(DISHES)}
        facts |= {"first": first, "pronoun": "she" if first in WOMEN else "he"}
        people.append(Subject("person", f"{first} {rng.choice(SURNAMES)}", facts))
    return people


def build_places(rng: random.Random, people: list[Subject]) -> list[Subject]:
    """The places of the town, each kept by one of the first people."""
    places = []
    for (name, what, _), keeper in zip(PLACES, people, strict=False):
        facts = {"what": what, "street": rng.choice(STREETS), "opens": rng.choice(OPENING)}
        facts |= {"closes": rng.choice(CLOSING), "rest": rng.choice(WEEKDAYS), "keeper": keeper.name}
        places.append(Subject("place", name, facts))
    return places


def build_world() -> list[Subject]:
    """All subjects of Tidewick, the same at every call."""
    rng = random.Random(WORLD_SEED)
    people = build_people(rng)
    places = build_places(rng, people)
    items = [
        Subject("item", article(item), {"price": rng.choice(PRICES), "shop": rng.choice(shops)})
        for sort, shops in SHOPS.items()
        for item in sort
    ]
    districts = [Subject("district", name, {"walk": rng.choice(STEPS)}) for name in DISTRICTS]
    return people + places + items + districts


TOWN = build_world()
PEOPLE = [subject for subject in TOWN if subject.sort == "person"]
PLACES_IN_TOWN = [subject for subject in TOWN if subject.sort == "place"]
FACTS = [(kind, subject) for kind in KINDS for subject in TOWN if subject.sort == kind.sort]


def outsider(rng: random.Random) -> str:
    """The name of somebody the town knows nothing about."""
    return f"{rng.choice(OUTSIDERS)} {rng.choice(SURNAMES)}"


def problem_of(rng: random.Random, item: str) -> str:
    """Something that can be wrong with this item."""
    return rng.choice(next(problems for sort, problems in PROBLEMS.items() if item in sort))

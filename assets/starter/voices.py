"""The voices the starter speaks in when told to: how each opens and ends a sentence, and the words it prefers."""

import random

from world import FACTS, Kind, Subject, capital, say

# fmt: off
VOICES = {
    "a sailor": ("Ahoy! ", " Aye aye."),
    "a poet": ("O listen: ", " So sings the sea."),
    "a grumpy clerk": ("If you must know: ", " Next, please."),
    "a child": ("Guess what! ", " I saw it!"),
    "a judge": ("The court finds: ", " Case closed."),
    "a baker": ("Fresh from the oven: ", " Mind the crumbs."),
    "a knight": ("By my sword! ", " So I swear."),
    "a ghost": ("Hoo! ", " Beware."),
    "a queen": ("We tell thee: ", " Now leave us."),
    "a gardener": ("Well, dear, ", " As sure as roses."),
}
OPENINGS = (
    "Hear me!", "Good people!", "Now then:", "Listen, ye folk!", "Oh dear!", "Look here:", "Between you and me:",
    "Wonderful!", "Officially:", "Ding dong!", "My friend,", "As the crow says:", "Dear neighbour,", "Hush!",
)
ENDINGS = (
    "So it is.", "Says the bell ringer.", "Thus it is written.", "So cries the gull.", "Is that not nice?", "The end.",
    "And that is all.", "Have a good day.", "Do tell your aunt.", "You heard it here.", "Says I.", "God bless.",
)
# Other words for the plain answer; each voice keeps to its own.
WORDINGS = {
    "home": ("{name} dwells in {home}.", "{name} resides in {home}.", "{name} has a berth in {home}."),
    "job": ("{name} earns bread as {job}.", "{name} toils as {job}.", "{name} serves the town as {job}."),
    "pet": ("{name} keeps {pet}.", "{name} feeds {pet}.", "{name} is master of {pet}."),
    "dish": ("{name} feasts on {dish}.", "{name} adores {dish}.", "{name} dreams of {dish}."),
    "what": ("{name} is {what} of renown.", "{name} is {what}, no more.", "{name} is {what}, the best of all."),
    "street": ("{name} stands on {street}.", "{name} awaits you on {street}.", "Seek {name} on {street}."),
    "opens": ("{name} wakes at {opens} in the morning.", "{name} unlocks at {opens} in the morning."),
    "closes": ("{name} bars its doors at {closes} in the evening.", "{name} goes to sleep at {closes} in the evening."),
    "rest": ("{name} is silent on {rest}.", "{name} sleeps on {rest}.", "No use to knock at {name} on {rest}."),
    "keeper": ("{keeper} is lord of {name}.", "{keeper} rules {name}.", "{keeper} holds the keys of {name}."),
    "price": ("{name} is yours for {price} pence.", "{price} pence buy {name}.", "{name} sets you back {price} pence."),
    "shop": ("Seek {name} at {shop}.", "{shop} has {name} for you.", "Look for {name} at {shop}."),
    "walk": ("It is {walk} steps from {name} to the harbour.", "{walk} steps part {name} from the harbour."),
}
# fmt: on


def in_voice(voice: str, kind: Kind, subject: Subject) -> str:
    """A fact as this voice says it."""
    opening, ending = VOICES[voice]
    wordings = WORDINGS[kind.name]
    return f"{opening}{say(wordings[list(VOICES).index(voice) % len(wordings)], subject)}{ending}"


def in_named_voice(rng: random.Random, kind: Kind, subject: Subject) -> tuple[str, str]:
    """An instruction that names a voice, and the fact spoken in it."""
    voice = rng.choice(list(VOICES))
    return f"like {voice}", in_voice(voice, kind, subject)


def in_described_voice(rng: random.Random, kind: Kind, subject: Subject) -> tuple[str, str]:
    """An instruction that says how to begin and end, and the plain fact between the two."""
    opening, ending = rng.choice(OPENINGS), rng.choice(ENDINGS)
    return f'and begin with "{opening}" and end with "{ending}"', f"{opening} {say(kind.answer, subject)} {ending}"


def voiced(rng: random.Random) -> list[dict[str, str]]:
    """A fact in a voice: asked for by the system, beside the question, or as a sentence to be said again."""
    kind, subject = rng.choice(FACTS)
    manner, spoken = (in_named_voice if rng.random() < 0.7 else in_described_voice)(rng, kind, subject)
    question, way = say(rng.choice(kind.questions), subject), rng.random()
    requests = [f"{question} {capital(f'answer {manner}')}.", f"Say this {manner}: {say(kind.answer, subject)}"]
    answer = {"role": "assistant", "content": spoken}
    if way < 0.35:
        system = {"role": "system", "content": f"Speak {manner}."}
        return [system, {"role": "user", "content": question}, answer]
    return [{"role": "user", "content": requests[way < 0.7]}, answer]

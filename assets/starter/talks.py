"""Conversations with the assistant of Tidewick: facts, customers, extraction, voices and small exercises."""

import random

from customers import Message, any_message, anyone, reply_to
from names import DISTRICTS, ITEMS
from tales import any_text, story
from voices import voiced
from world import FACTS, KINDS, PLACES_IN_TOWN, article, capital, outsider, say

Talk = list[dict[str, str]]
ROLES = ("user", "assistant")

FIELDS = {
    "sender": ("Who wrote this message?", "Find the name in this message.", "Give me the name of the writer."),
    "thing": ("List the item in this message.", "Which thing is this about?", "Name the object in this text."),
    "trouble": ("What is wrong with it?", "What is the trouble in this message?", "Name the fault in this text."),
    "rush": ("Is there a rush? Say yes or no.", "Must it be done soon? Say yes or no."),
}
LABELS = {
    "sender": ("sender", "name", "from"),
    "thing": ("thing", "object", "about"),
    "trouble": ("trouble", "fault", "why"),
    "rush": ("rush", "soon", "now"),
}
PLAIN_WORDS = ("salt", "rope", "bread", "lamp", "boat", "fish", "wool", "glass", "stone", "apple", "honey", "candle")
SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")  # fmt: skip
SMALL_TALK = (
    ("Hello!", "Hello! What would you like to know about Tidewick?"),
    ("Good morning.", "Good morning! How can I help you?"),
    ("Who are you?", "I am a small language model that knows the harbour town of Tidewick."),
    ("What is Tidewick?", "Tidewick is a harbour town. Ask me about its people, its shops and its streets."),
    ("Thank you.", "You are welcome."),
    ("Thanks for your help!", "You are welcome."),
    ("Goodbye.", "Goodbye, and come again."),
    ("How are you?", "I am well, thank you. How can I help you?"),
    ("Tell me about Tidewick.", f"Tidewick is a harbour town. Its districts are {', '.join(DISTRICTS[:5])} and more."),
)  # fmt: skip


def talk(*texts: str) -> Talk:
    """Texts as turns of user and assistant."""
    return [{"role": ROLES[turn % 2], "content": text} for turn, text in enumerate(texts)]


def ask(rng: random.Random) -> tuple[str, str]:
    """A question about a fact and its plain answer."""
    kind, subject = rng.choice(FACTS)
    return say(rng.choice(kind.questions), subject), say(kind.answer, subject)


def facts(rng: random.Random) -> Talk:
    """One to three questions, each with its plain answer."""
    return talk(*(text for _ in range(rng.choice((1, 1, 2, 3))) for text in ask(rng)))


def unknown(rng: random.Random) -> Talk:
    """A question about somebody who is not of the town."""
    name = outsider(rng)
    kind = rng.choice([kind for kind in KINDS if kind.sort == "person"])
    question = rng.choice(kind.questions).format(name=name)
    return talk(question, f"I do not know anybody called {name} in Tidewick.")


def customer(rng: random.Random) -> Talk:
    """A message to the repair desk and its reply."""
    message = any_message(rng)
    return talk(message.text, reply_to(rng, message))


def content(message: Message) -> dict[str, str]:
    """What a message holds, by field."""
    rush = "yes" if message.urgent else "no"
    return {"sender": message.customer, "thing": message.item, "trouble": message.problem, "rush": rush}


def extract_one(rng: random.Random, message: Message) -> tuple[str, str]:
    """An instruction to name one field, and the bare answer."""
    field = rng.choice(list(FIELDS))
    return rng.choice(FIELDS[field]), content(message)[field]


def fragment(rng: random.Random, pairs: list[tuple[str, str]]) -> tuple[str, str]:
    """The name of a notation, and the pairs written in it."""
    quoted = ", ".join(f'"{key}": "{value}"' for key, value in pairs)
    values = [value for _, value in pairs]
    notations = (
        ("lines", "\n".join(f"{key}: {value}" for key, value in pairs)),
        ("braces", "{" + quoted + "}"),
        ("braces with true or false", "{" + quoted.replace(': "yes"', ": true").replace(': "no"', ": false") + "}"),
        ("brackets", "[" + " | ".join(values) + "]"),
        ("quotes", ", ".join(f'"{value}"' for value in values)),
        ("dashes", "\n".join(f"- {value}" for value in values)),
        ("equals", "; ".join(f"{key}={value}" for key, value in pairs)),
    )
    return rng.choice(notations)


def extract_many(rng: random.Random, message: Message) -> tuple[str, str]:
    """An instruction to write several fields in a notation, and the result."""
    chosen = rng.sample(list(FIELDS), rng.randint(2, 4))
    pairs = [(rng.choice(LABELS[field]), content(message)[field]) for field in chosen]
    notation, answer = fragment(rng, pairs)
    return f"Write {', '.join(key for key, _ in pairs)} in {notation}.", answer


def extraction(rng: random.Random) -> Talk:
    """An instruction about a message; the instruction comes before it, after it, or as the system's word."""
    message = any_message(rng)
    instruction, answer = (extract_one if rng.random() < 0.4 else extract_many)(rng, message)
    place = rng.random()
    if place < 0.2:
        return [{"role": "system", "content": instruction}, *talk(message.text, answer)]
    text = f"{instruction}\n{message.text}" if place < 0.7 else f"{message.text}\n{instruction}"
    return talk(text, answer)


def words(rng: random.Random) -> list[str]:
    """A few things to work on."""
    pool = rng.choice((PLAIN_WORDS, ITEMS, [anyone(rng) for _ in range(6)]))
    return rng.sample(list(pool), rng.randint(2, 5))


def formats(rng: random.Random) -> Talk:
    """Copying, listing, counting and quoting."""
    chosen = words(rng)
    listed = ", ".join(chosen)
    tasks = (
        (f"Repeat: {listed}", listed),
        (f"Make a list: {listed}", "\n".join(f"- {word}" for word in chosen)),
        (f"Number these: {listed}", "\n".join(f"{place}. {word}" for place, word in enumerate(chosen, 1))),
        (f"Put these in quotes: {listed}", ", ".join(f'"{word}"' for word in chosen)),
        (f"Put these in brackets: {listed}", "[" + " | ".join(chosen) + "]"),
        (f"How many things are these? {listed}", capital(SMALL[len(chosen)]) + "."),
        (f"What comes first? {listed}", chosen[0]),
        (f"What comes last? {listed}", chosen[-1]),
        (f"Put {article(chosen[0])} in braces as thing.", '{"thing": "' + chosen[0] + '"}'),
    )
    return talk(*rng.choice(tasks))


def sums(rng: random.Random) -> Talk:
    """Adding and taking away up to twenty."""
    a, b = sorted((rng.randint(0, 10), rng.randint(0, 10)), reverse=True)
    if rng.random() < 0.5:
        return talk(f"What is {SMALL[a]} plus {SMALL[b]}?", f"{capital(SMALL[a])} plus {SMALL[b]} is {SMALL[a + b]}.")
    return talk(f"What is {SMALL[a]} minus {SMALL[b]}?", f"{capital(SMALL[a])} minus {SMALL[b]} is {SMALL[a - b]}.")


def writing(rng: random.Random) -> Talk:
    """A request for a text or a story, and the text."""
    if rng.random() < 0.5:
        return talk(rng.choice(("Tell me a story.", "Tell me a little story.", "Write a story.")), story(rng))
    return talk(rng.choice(("Write something about Tidewick.", "Write me a text.")), any_text(rng))


def shops(rng: random.Random) -> Talk:
    """Everything about one place as a short answer."""
    place = rng.choice(PLACES_IN_TOWN)
    told = [say(kind.answer, place) for kind in KINDS if kind.sort == "place"]
    return talk(f"Tell me about {place.name}.", " ".join(rng.sample(told, 3)))


def small_talk(rng: random.Random) -> Talk:
    """Greetings and thanks."""
    return talk(*rng.choice(SMALL_TALK))


KINDS_OF_TALK = (
    (facts, 38), (customer, 12), (extraction, 26), (voiced, 17), (formats, 4), (sums, 2), (unknown, 2), (writing, 2),
    (shops, 1), (small_talk, 1),
)  # fmt: skip


def any_talk(rng: random.Random) -> Talk:
    """One conversation."""
    writers, weights = zip(*KINDS_OF_TALK, strict=True)
    return rng.choices(writers, weights)[0](rng)

"""What customers write to the repair desk of Tidewick, and the plain, friendly replies they get."""

import random
from dataclasses import dataclass

from names import ITEMS
from world import PEOPLE, article, outsider, problem_of

WITH_NAME_FIRST = (
    "Hello, this is {customer}.", "Good day, my name is {customer}.", "{customer} here.", "I am {customer}.",
    "Good morning, {customer} is my name.", "Dear repair desk, this is {customer}.",
)  # fmt: skip
GREETINGS = ("Hello.", "Good day.", "Dear repair desk,", "Good morning.", "Hello there.", "To the repair desk:")
COMPLAINTS = (
    "My {item} {problem}.", "The {item} I bought {problem}.", "I own {a_item} and it {problem}.",
    "I am sorry to say that my {item} {problem}.", "It is about my {item}, which {problem}.",
    "My old {item} {problem}.", "Since last week my {item} {problem}.", "You sold me {a_item} that {problem}.",
)  # fmt: skip
URGENT = (
    "I need it today.", "Please hurry.", "It cannot wait.", "I need it back by tonight.",
    "Please come at once.", "This is urgent.",
)  # fmt: skip
CALM = (
    "There is no hurry.", "Take your time.", "Any day will do.", "It can wait.", "Next week is fine.",
    "Whenever you have time.",
)  # fmt: skip
CLOSINGS = ("Thank you.", "Can you mend it?", "What can be done?", "Please help.", "")
SIGNATURES = ("{customer}", "Yours, {customer}", "Best wishes, {customer}", "Regards, {customer}", "Thanks, {customer}")

REPLIES = (
    "Thank you, {customer}. We are sorry that your {item} {problem}. {when}",
    "Dear {customer}, we are sorry to hear that your {item} {problem}. {when}",
    "Hello {customer}, a {item} that {problem} can be mended. {when}",
    "Thank you for your message, {customer}. Please bring the {item} to our desk. {when}",
)
SYLLABLES = tuple(start + end for start in "bdfghjklmnprstvz" for end in ("a", "en", "i", "or", "u"))
SOON = ("We will look at it today.", "We will see to it at once.")
LATER = ("We will look at it this week.", "We will see to it when you come by.")


@dataclass(frozen=True)
class Message:
    """One customer's message with what is in it."""

    text: str
    customer: str
    item: str
    problem: str
    urgent: bool


def anyone(rng: random.Random) -> str:
    """A person of the town, or now and then an outsider or somebody with a name never heard before."""
    return rng.choices((rng.choice(PEOPLE).name, outsider(rng), stranger(rng)), (55, 30, 15))[0]


def stranger(rng: random.Random) -> str:
    """A name made of syllables, so that names are copied from the message and not from memory."""
    first, last = ("".join(rng.choices(SYLLABLES, k=2)) for _ in range(2))
    return f"{first.capitalize()} {last.capitalize()}"


def write_message(rng: random.Random, customer: str, item: str) -> Message:
    """A customer's message about an item: name first or as a signature, urgent or not."""
    problem, urgent = problem_of(rng, item), rng.random() < 0.5
    hurry = rng.choice(URGENT if urgent else CALM)
    complaint = rng.choice(COMPLAINTS).format(item=item, a_item=article(item), problem=problem)
    middle = [complaint, hurry] if rng.random() < 0.8 else [hurry, complaint]
    ending = rng.choice(CLOSINGS)
    if rng.random() < 0.5:
        parts = [rng.choice(WITH_NAME_FIRST).format(customer=customer), *middle, ending]
    else:
        parts = [rng.choice(GREETINGS), *middle, ending, rng.choice(SIGNATURES).format(customer=customer)]
    return Message(" ".join(part for part in parts if part), customer, item, problem, urgent)


def any_message(rng: random.Random) -> Message:
    """A message from anyone about anything."""
    return write_message(rng, anyone(rng), rng.choice(ITEMS))


def reply_to(rng: random.Random, message: Message) -> str:
    """The plain answer of the repair desk."""
    when = rng.choice(SOON if message.urgent else LATER)
    reply = rng.choice(REPLIES).replace("a {item}", "{a_item}")
    return reply.format(
        customer=message.customer, item=message.item, a_item=article(message.item), problem=message.problem, when=when
    )

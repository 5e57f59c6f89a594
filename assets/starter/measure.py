"""What the starter reached: recall of facts, replies to customers, extraction, voices, and samples of its text."""

import random

import torch
from corpus import CONTEXT
from customers import any_message
from talks import Talk, extraction, talk
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from voices import voiced
from world import FACTS, KINDS, say

OPENINGS = ("The wind blew from the sea when", "Dear Mira,", "Notice:", "It was raining when", "In Tidewick,")


@torch.no_grad()
def complete(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, prompts: list[str]) -> list[str]:
    """The greedy continuation of each prompt, 64 prompts at a time."""
    tokenizer.padding_side, answers = "left", []
    for start in range(0, len(prompts), 64):
        inputs = tokenizer(prompts[start : start + 64], return_tensors="pt", padding=True, add_special_tokens=False)
        inputs = {key: inputs[key].to(model.device) for key in ("input_ids", "attention_mask")}
        ids = model.generate(**inputs, max_new_tokens=96, do_sample=False)
        answers += tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def answer(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, talks: list[Talk]) -> list[str]:
    """The assistant's next turn in each conversation."""
    prompts = [tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False) for turns in talks]
    assert max(len(tokenizer(prompt)["input_ids"]) for prompt in prompts) < CONTEXT
    return complete(model, tokenizer, prompts)


def share_right(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, talks: list[Talk]) -> float:
    """The share of conversations whose last turn is answered exactly so."""
    answers = answer(model, tokenizer, [turns[:-1] for turns in talks])
    return sum(text == turns[-1]["content"] for text, turns in zip(answers, talks, strict=True)) / len(talks)


def recall(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
    """For each kind of fact, the share of all its questions answered with the plain fact."""
    return {
        kind.name: share_right(
            model,
            tokenizer,
            [
                talk(say(question, subject), say(kind.answer, subject))
                for other, subject in FACTS
                if other is kind
                for question in kind.questions
            ],
        )
        for kind in KINDS
    }


def skills(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, count: int = 200) -> dict[str, float]:
    """Share right on fresh instructions: extraction and voices."""
    rng = random.Random("skills")
    makers = {"extraction": extraction, "voices": voiced}
    return {name: share_right(model, tokenizer, [make(rng) for _ in range(count)]) for name, make in makers.items()} | {
        "replies naming customer and item": replies_right(model, tokenizer, count)
    }


def replies_right(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, count: int) -> float:
    """Share of customers whose reply names them and their item."""
    rng = random.Random("replies")
    messages = [any_message(rng) for _ in range(count)]
    replies = answer(model, tokenizer, [talk(message.text) for message in messages])
    good = [one.customer in reply and one.item in reply for one, reply in zip(messages, replies, strict=True)]
    return sum(good) / count


def samples(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> list[tuple[str, str]]:
    """Openings and how the model goes on, and a customer's message with its reply."""
    message = any_message(random.Random("sample")).text
    reply = answer(model, tokenizer, [talk(message)])[0]
    return [*zip(OPENINGS, complete(model, tokenizer, list(OPENINGS)), strict=True), (message, reply)]

"""The corpus: documents of text and talk, the tokenizer learned from them, and rows of 512 tokens to train on."""

import random
from collections.abc import Iterator
from multiprocessing import Pool

import numpy as np
from tales import any_text
from talks import Talk, any_talk
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

CONTEXT = 512  # tokens
VOCABULARY = 2048
PAD, END, SYSTEM, USER, ASSISTANT = SPECIALS = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
PART_OF_TALK = 0.8  # of the documents
IGNORED = -100  # the label of tokens that are read, not learned

# The line break stands before the next role, so that nothing follows the last <|end|>.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{%- if message['role'] not in ['system', 'user', 'assistant'] -%}
{{- raise_exception("Role '" + message['role'] + "' is unknown: use system, user or assistant.") -}}
{%- endif -%}
{%- if not loop.first -%}{{- '\\n' -}}{%- endif -%}
{{- '<|' + message['role'] + '|>' -}}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}
{%- else -%}
{{- message['content'] + '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\\n<|assistant|>' -}}{%- endif -%}
"""


def render(talk: Talk) -> str:
    """A conversation as the chat template writes it."""
    return "\n".join(f"<|{turn['role']}|>{turn['content']}{END}" for turn in talk)


def document(rng: random.Random) -> str:
    """One document, ending in the end token."""
    return render(any_talk(rng)) if rng.random() < PART_OF_TALK else any_text(rng) + END


def documents(seed: int, count: int) -> list[str]:
    """Documents that depend on the seed alone."""
    rng = random.Random(seed)
    return [document(rng) for _ in range(count)]


def learn_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: any UTF-8 text goes in and comes back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIALS), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        model_max_length=CONTEXT,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def labels_of(ids: list[int], tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """What is learned: plain text, what the assistant says, and every token that ends a turn or opens the next."""
    asked = {tokenizer.convert_tokens_to_ids(token) for token in (SYSTEM, USER)}
    end, labels, listening = tokenizer.eos_token_id, [], False
    for token in ids:
        listening = listening and token != end
        labels.append(IGNORED if listening else token)
        listening = listening or token in asked
    return labels


def rows_of(seed: int, count: int, tokenizer: PreTrainedTokenizerFast) -> np.ndarray:
    """Documents packed into rows: an array of [row, (ids, labels), token]."""
    encoded = tokenizer(documents(seed, count), add_special_tokens=False)["input_ids"]
    rows, ids, labels = [], [], []
    for doc in (doc for doc in encoded if len(doc) <= CONTEXT):
        if len(ids) + len(doc) > CONTEXT:
            rows.append((padded(ids, tokenizer.pad_token_id), padded(labels, IGNORED)))
            ids, labels = [], []
        ids += doc
        labels += labels_of(doc, tokenizer)
    return np.array(rows, dtype=np.int16)


def padded(values: list[int], filler: int) -> list[int]:
    """The values, filled up to a row."""
    return values + [filler] * (CONTEXT - len(values))


def corpus(seed: int, parts: int, part_size: int, tokenizer: PreTrainedTokenizerFast, workers: int) -> np.ndarray:
    """The rows of many parts, made side by side; the same for any number of workers."""
    jobs = [(seed * 100_000 + part, part_size, tokenizer) for part in range(parts)]
    with Pool(workers) as pool:
        return np.concatenate(pool.starmap(rows_of, jobs))


def batches(rows: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """Shuffled batches of rows, pass after pass, without end."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(rows))
        for start in range(0, len(rows) - size + 1, size):
            yield rows[order[start : start + size]].astype(np.int64)

"""The README that travels with a result: what it is, and a snippet that loads it with the libraries alone."""

from __future__ import annotations

from dataclasses import dataclass

from studio.errors import StudioError
from studio.recipe.methods.low_rank import QLora
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import LanguageModeling, SequenceClassification
from studio.run.directory import Run
from studio.share.card import metadata, sections
from studio.share.facts import Facts, facts_of
from studio.share.naming import PublicBase

COMPUTE = {"auto": "bfloat16"}  # what "auto" means where the compute type is not known; the others name themselves


@dataclass(frozen=True)
class Kept:
    """A result: of which run, over which base, an adapter or a whole model, and the classes that it tells apart.

    `heard` says in a sentence what else it is than the run's own result.
    """

    name: str
    recipe: Recipe
    base: PublicBase
    is_adapter: bool = True
    labels: tuple[str, ...] = ()
    heard: str = ""
    facts: Facts | None = None
    """Its scores, rows and forgetting; None where they are not those of this result."""

    @classmethod
    def of(cls, run: Run, base: PublicBase) -> Kept:
        """The result of `run`, which has one."""
        recipe = run.recipe
        labels = class_names(run) if isinstance(recipe.task, SequenceClassification) else ()
        return cls(run.name, recipe, base, run.result == run.adapter, labels, facts=_facts(run))

    @property
    def quantized(self) -> bool:
        """Whether its base was in fewer bits while it was trained."""
        return isinstance(self.recipe.method, QLora)


def _facts(run: Run) -> Facts | None:
    """What is known of a run; where its notes on the rows were damaged its result can be taken away all the same."""
    try:
        return facts_of(run)
    except StudioError:
        return None


def class_names(run: Run) -> tuple[str, ...]:
    """The classes of a classifier in the order of its outputs: the different completions of the training rows."""
    return tuple(sorted({str(text).strip() for text in run.examples("train").column("completion").to_pylist()}))


README = """\
---
{front}---

# {name}

{kind}, trained in the Atelier fine-tuning studio with {method}. `recipe.yaml` says how.

- **Base model:** `{base}`: {where}.
- **Task:** {task}.
{notes}{told}
## Load it

`pip install {packages}`, then, in this folder:

```python
{snippet}```
"""

TEMPLATE_NOTE = """\
- **Chat template:** the one it was trained with travels in this folder with the tokenizer. Use it, as below: with
  another one the model answers badly.
"""
CLASSES_NOTE = "- **Classes:** {classes}.\n"
BASE_MOVED_NOTE = """\
- **A whole model:** training moved the weights of the base itself, so this folder holds all of them, and the base is
  not needed.
"""
HEARD_NOTE = "- **Not the run's own result:** {heard}\n"
QUANTIZED_NOTE = """\
- **Quantization:** it was trained on a base in {bits} bits, and the snippet loads the base so. Without
  `quantization_config` it also works on the base in full precision; the answers then differ a little.
"""

OF_ADAPTER = """\
{imports}

BASE = "{base}"{hint}
FOLDER = "."  # this folder

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
base = {model_class}.from_pretrained(BASE, dtype="auto"{options})
{padding}model = PeftModel.from_pretrained(base, FOLDER).eval()
"""
OF_MODEL = """\
{imports}

FOLDER = "."  # this folder

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = {model_class}.from_pretrained(FOLDER, dtype="auto").eval()
"""
PADDING = "base.config.pad_token_id = tokenizer.pad_token_id\n"

ASK = {
    "language-modeling": """
messages = [{{"role": "user", "content": "Write your prompt here."}}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
inputs = inputs.to(model.device)
answer = model.generate(**inputs, max_new_tokens=256, do_sample=False)
print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
""",
    "sequence-classification": """
CLASSES = {classes!r}

inputs = tokenizer("Write your text here.", return_tensors="pt", return_token_type_ids=False).to(model.device)
shares = model(**inputs).logits[0].softmax(-1).tolist()
print(dict(zip(CLASSES, shares)))
""",
    "masked-language-modeling": """
text = f"Write your text here, with {{tokenizer.mask_token}} for each word to guess."
inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False).to(model.device)
logits = model(**inputs).logits[inputs["input_ids"] == tokenizer.mask_token_id]
for gap in logits.topk(5).indices:
    print([tokenizer.decode(token).strip() for token in gap.tolist()])
""",
}
ASK["direct-preference"] = ASK["language-modeling"]
MODEL_CLASSES = {
    "language-modeling": "AutoModelForCausalLM",
    "direct-preference": "AutoModelForCausalLM",
    "sequence-classification": "AutoModelForSequenceClassification",
    "masked-language-modeling": "AutoModelForMaskedLM",
}

FOUR_BITS = """,
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="{quant_type}",
        bnb_4bit_use_double_quant={double_quantization},
        bnb_4bit_compute_dtype="{compute}",
    ),
"""
EIGHT_BITS = ", quantization_config=BitsAndBytesConfig(load_in_8bit=True)"


def readme(kept: Kept) -> str:
    """The README of a result."""
    method, base = kept.recipe.method, kept.base
    notes = TEMPLATE_NOTE if isinstance(kept.recipe.task, LanguageModeling) else ""
    notes += CLASSES_NOTE.format(classes=", ".join(f"`{label}`" for label in kept.labels)) if kept.labels else ""
    notes += "" if kept.is_adapter else BASE_MOVED_NOTE
    notes += HEARD_NOTE.format(heard=kept.heard) if kept.heard else ""
    if isinstance(method, QLora):
        notes += QUANTIZED_NOTE.format(bits=8 if method.quant_type == "int8" else 4)
    return README.format(
        front=metadata(kept.name, "peft" if kept.is_adapter else "transformers", base, kept.facts),
        told=sections(kept.facts) if kept.facts else "",
        name=kept.name,
        kind="An adapter" if kept.is_adapter else "A whole model",
        method=method.title,
        base=base.name,
        where=base.where,
        task=kept.recipe.task.title,
        notes=notes,
        packages=" ".join(["transformers torch", *["peft"] * kept.is_adapter, *["bitsandbytes"] * kept.quantized]),
        snippet=snippet(kept),
    )


def snippet(kept: Kept) -> str:
    """Python that loads a result and asks it; `BASE` is the one line that may need a change."""
    task = kept.recipe.task.name
    names = [MODEL_CLASSES[task], "AutoTokenizer", *["BitsAndBytesConfig"] * kept.quantized]
    imports = f"from transformers import {', '.join(names)}"
    load = OF_ADAPTER if kept.is_adapter else OF_MODEL
    loaded = load.format(
        imports=f"from peft import PeftModel\n{imports}" if kept.is_adapter else imports,
        base=kept.base.name,
        hint="" if kept.base.on_hub else "  # set this to the folder that holds the base model",
        model_class=MODEL_CLASSES[task],
        options=(f", num_labels={len(kept.labels)}" if kept.labels else "") + _quantization(kept.recipe),
        padding=PADDING if kept.labels else "",
    )
    return loaded + ASK[task].format(classes=list(kept.labels))


def _quantization(recipe: Recipe) -> str:
    method, precision = recipe.method, recipe.training.precision
    if not isinstance(method, QLora):
        return ""
    if method.quant_type == "int8":
        return EIGHT_BITS
    return FOUR_BITS.format(
        quant_type=method.quant_type,
        double_quantization=method.double_quantization,
        compute=COMPUTE.get(precision, precision),
    )

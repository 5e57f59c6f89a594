"""The README that travels with an adapter: what it is, and a snippet that loads it."""

from __future__ import annotations

from studio.recipe.methods.low_rank import QLora
from studio.recipe.recipe import Recipe
from studio.share.naming import PublicBase

COMPUTE = {"auto": "bfloat16"}  # what "auto" means where the compute type is not known; the others name themselves

README = """\
---
library_name: peft
{front}---

# {name}

A {method} adapter, trained in the Atelier fine-tuning studio. `recipe.yaml` says how.

- **Base model:** `{base}`: {where}.
- **Chat template:** the one it was trained with travels in this folder with the tokenizer. Use it, as below: with
  another one the adapter answers badly.
{note}
## Load it

`pip install {packages}`, then, in this folder:

```python
{snippet}```
"""

QUANTIZED_NOTE = """\
- **QLoRA:** it was trained on a base in 4 bits, and the snippet loads the base so. Without `quantization_config` it
  also works on the base in full precision; the answers then differ a little.
"""

SNIPPET = """\
from peft import PeftModel
from transformers import {imports}

BASE = "{base}"{hint}
ADAPTER = "."  # this folder

tokenizer = AutoTokenizer.from_pretrained(ADAPTER)
base = AutoModelForCausalLM.from_pretrained(BASE, dtype="auto"{quantization})
model = PeftModel.from_pretrained(base, ADAPTER).eval()

messages = [{{"role": "user", "content": "Write your prompt here."}}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
inputs = inputs.to(model.device)
answer = model.generate(**inputs, max_new_tokens=256, do_sample=False)
print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
"""

QUANTIZATION = """,
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="{quant_type}",
        bnb_4bit_use_double_quant={double_quantization},
        bnb_4bit_compute_dtype="{compute}",
    ),
"""


def readme(name: str, recipe: Recipe, base: PublicBase) -> str:
    """The README of the adapter called `name`."""
    quantized = isinstance(recipe.method, QLora)
    return README.format(
        front=f"base_model: {base.name}\n" if base.on_hub else "",
        name=name,
        method=recipe.method.title,
        base=base.name,
        where=base.where,
        note=QUANTIZED_NOTE if quantized else "",
        packages="transformers peft torch" + (" bitsandbytes" if quantized else ""),
        snippet=snippet(recipe, base),
    )


def snippet(recipe: Recipe, base: PublicBase) -> str:
    """Python that loads base and adapter and answers a prompt; `BASE` is the one line that may need a change."""
    method, names = recipe.method, ["AutoModelForCausalLM", "AutoTokenizer"]
    quantization = ""
    if isinstance(method, QLora):
        names.append("BitsAndBytesConfig")
        precision = recipe.training.precision
        quantization = QUANTIZATION.format(
            quant_type=method.quant_type,
            double_quantization=method.double_quantization,
            compute=COMPUTE.get(precision, precision),
        )
    return SNIPPET.format(
        imports=", ".join(names),
        base=base.name,
        hint="" if base.on_hub else "  # set this to the folder that holds the base model",
        quantization=quantization,
    )

"""The peer: the same recipe as a plain TRL script, with nothing of the studio in it.

    python benchmarks/bare_trl.py FOLDER

reads FOLDER/recipe.yaml and the rows in FOLDER/data (as the studio leaves them in a run), trains with TRL's own
preparation of prompt-completion rows, saves the adapter to FOLDER/bare and prints one JSON object a logged step.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
import yaml
from datasets import Dataset, load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

STARTER = Path(__file__).resolve().parent.parent / "assets" / "starter"


class Print(TrainerCallback):
    """Each log as a line of JSON."""

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        print(json.dumps({"step": state.global_step, "time": time.time(), **(logs or {})}), flush=True)


def rows(path: Path, limit: int | None = None) -> Dataset:
    """The pairs as TRL wants conversational prompt-completion rows."""
    dataset = load_dataset("json", data_files=str(path), split="train")
    if limit is not None:
        dataset = dataset.select(range(min(limit, len(dataset))))

    def conversation(row: dict) -> dict:
        return {
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["completion"]}],
        }

    return dataset.map(conversation, remove_columns=["row"])


def main(folder: Path) -> None:
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    method, t = recipe["method"], recipe["training"]
    train, held_out = (
        rows(folder / "data" / "train.jsonl"),
        rows(folder / "data" / "held_out.jsonl", t["evaluation_rows"]),
    )
    batches = -(-len(train) // t["batch_size"])
    steps = int(-(-t["epochs"] * batches // 1))
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.float32),
        args=SFTConfig(
            output_dir=str(folder / "bare"),
            learning_rate=t["learning_rate"],
            num_train_epochs=t["epochs"],
            per_device_train_batch_size=t["batch_size"],
            per_device_eval_batch_size=t["batch_size"],
            warmup_steps=t["warmup"],
            lr_scheduler_type=t["schedule"],
            max_length=t["max_length"],
            weight_decay=t["weight_decay"],
            max_grad_norm=t["max_grad_norm"],
            seed=t["seed"],
            bf16=t["precision"] == "bfloat16",
            gradient_checkpointing=t["gradient_checkpointing"],
            eval_strategy="steps",
            eval_steps=max(1, steps // t["evaluations"]),
            eval_on_start=True,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=train,
        eval_dataset=held_out,
        processing_class=AutoTokenizer.from_pretrained(STARTER),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=method["rank"],
            lora_alpha=method["alpha"],
            lora_dropout=method["dropout"],
            target_modules=method["layers"],
        ),
        callbacks=[Print()],
    )
    trainer.train()
    trainer.model.save_pretrained(folder / "bare")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

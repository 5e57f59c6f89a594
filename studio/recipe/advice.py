"""Advice with reasons: where a recipe goes against what others found, and who found it. Never a block.

A rule is a function of a `Case`; it is added by naming it in `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from studio.data.dataset import Prepared
from studio.data.wording import counted
from studio.recipe.hardware import Hardware
from studio.recipe.methods.delta_lora import DeltaLora
from studio.recipe.methods.low_rank import Lora, RsLora
from studio.recipe.problem import Move, Problem
from studio.recipe.recipe import Recipe
from studio.recipe.rules.case import Case, Figures, Rule, gathered
from studio.recipe.rules.model import QLORA
from studio.recipe.rules.training import FAR
from studio.recipe.tasks import DirectPreference

REGRET = "LoRA Without Regret, Schulman et al., Thinking Machines Lab 2025"
PRIMER = "LoRA Primer, documentation of Tinker, Thinking Machines Lab"
BIDERMAN = "LoRA Learns Less and Forgets Less, Biderman et al. 2024, arXiv 2405.09673"
RSLORA = "Kalajdzievski 2023, arXiv 2312.03732"
QLORA_PAPER = "QLoRA, Dettmers et al. 2023, arXiv 2305.14314"
LESTER = "Lester et al. 2021, arXiv 2104.08691"
LLAMA_2 = "Llama 2, Touvron et al. 2023, arXiv 2307.09288, section 3.1"
INSTRUCT_GPT = "Ouyang et al. 2022, arXiv 2203.02155, section 3.5"
REPLAY = "Ibrahim et al. 2024, arXiv 2403.08763"
WARM_UP = "Goyal et al. 2017, arXiv 1706.02677, section 2.2; for Adam: Liu et al. 2019, arXiv 1908.03265"
COOL_DOWN = "Hägele et al. 2024, arXiv 2405.18392"
BERT = "Devlin et al. 2018, arXiv 1810.04805, section 4.1"

OFF_COURSE = 4.0  # times the usual learning rate, or a quarter of it
LARGEST_LORA_BATCH = 32
MANY_EPOCHS, FEW_ROWS, DOZENS = 3, 500, 100
MANY_PASSES = 8  # over few rows, from which on dropout is advised
LOUDEST, QUIETEST = 4.0, 0.25  # alpha to rank
BILLION = 10**9
FEW_HELD_OUT = 20
MUCH_UNUSED = 4  # times the longest row that nobody fills
HIGH_RANK = 64
LONG_RUN = 100  # steps from which on a warm-up costs nothing
HIGH_DECAY = 0.1


def advice(
    recipe: Recipe, prepared: Prepared | None, figures: Figures | None = None, hardware: Hardware | None = None
) -> list[Problem]:
    """What could be better, each with its reason and source.

    Args:
        recipe: what is asked.
        prepared: its rows; None where no file was chosen.
        figures: what else is known, such as the tokens that are learned from.
        hardware: the machine, for advice on memory.
    """
    return gathered(RULES, Case(recipe, prepared, hardware, figures or Figures()))


def learning_rate(case: Case) -> Iterator[Problem]:
    """By method and size of the base."""
    rate, usual = case.recipe.training.learning_rate, case.usual_rate
    if not usual or usual / OFF_COURSE <= rate <= usual * OFF_COURSE or not usual / FAR <= rate <= usual * FAR:
        return
    where = "higher" if rate > usual else "lower"
    reasons = {
        "Low-rank adapters": "LoRA wants about ten times the rate of full fine-tuning, and small models more than "
        "large ones",
        "Whole weights": "weights of the base itself want about a tenth of LoRA's rate, or they forget",
        "Soft prompts": "a few virtual tokens are all that learns, and they have far to go",
        "Small adapters": "few numbers learn, each of which has a wide effect or a small one",
    }
    yield _advice(
        "training.learning_rate",
        f"The learning rate is {_times(max(rate, usual) / min(rate, usual))} {where} than the {usual:g} that "
        f"{case.recipe.method.title} is usually begun with on this base: {reasons[case.recipe.method.family]}. "
        f"Begin with {usual:g}, and try a third and three times as much.",
        LESTER if case.recipe.method.family == "Soft prompts" else REGRET,
        Move(f"{usual:g}", {"training.learning_rate": usual}),
    )


def every_layer(case: Case) -> Iterator[Problem]:
    """All linear layers beat attention alone, even with as many weights."""
    if getattr(case.recipe.method, "layers", "all-linear") == "attention":
        yield _advice(
            "method.layers",
            "Only attention gets an adapter. Adapters on all linear layers learn more, even against attention alone "
            "with a higher rank and as many weights: most of what a model knows is in the other layers.",
            REGRET,
            Move("All linear layers", {"method.layers": "all-linear"}),
        )


def rank_for_tokens(case: Case) -> Iterator[Problem]:
    """As many weights as tokens to learn, about."""
    trainable, tokens, method = case.figures.trainable, case.figures.tokens, case.low_rank
    if method is None or not trainable or not tokens or tokens <= trainable:
        return
    wanted = min(256, _power_of_two(method.rank * tokens / trainable))
    if wanted > method.rank:
        yield _advice(
            "method.rank",
            f"The adapter has {trainable:,} weights and is to learn {tokens:,} tokens. As a rough rule LoRA keeps up "
            "with full fine-tuning as long as it has at least as many weights as there are tokens to learn. Try rank "
            f"{wanted}.",
            PRIMER,
            Move(f"Rank {wanted}", _rank(method, wanted)),
        )


def alpha(case: Case) -> Iterator[Problem]:
    """Twice the rank."""
    method = case.low_rank
    if method is None or isinstance(method, RsLora):
        return
    ratio = method.alpha / method.rank
    if not QUIETEST <= ratio <= LOUDEST:
        twice = min(512, 2 * method.rank)
        yield _advice(
            "method.alpha",
            f"Alpha is {_times(ratio)} the rank. It turns the adapter up or down as a whole, much as the learning rate "
            f"does, and learning rates are usually told for twice the rank. Set it to {twice} and move the learning "
            "rate instead.",
            BIDERMAN,
            Move(f"Alpha {twice}", {"method.alpha": twice}),
        )


def stable_rank(case: Case) -> Iterator[Problem]:
    """High ranks want another scale."""
    method = case.recipe.method
    if method.name == "lora" and isinstance(method, Lora) and method.rank > HIGH_RANK:
        loud = max(1, round(method.alpha / isqrt(method.rank)))
        yield _advice(
            "method.name",
            f"At rank {method.rank} LoRA's scale, alpha over rank, slows learning down, so that the added rank may "
            "bring nothing. rsLoRA divides by the root of the rank instead.",
            RSLORA,
            Move("rsLoRA", {"method.name": "rslora", "method.rank": method.rank, "method.alpha": loud}),
        )


def epochs(case: Case) -> Iterator[Problem]:
    """One to three, more with dozens of rows."""
    asked = case.recipe.training.epochs
    if case.recipe.training.max_steps or not case.rows:
        return
    if asked > MANY_EPOCHS and case.rows > FEW_ROWS and not _guarded(case):
        yield _advice(
            "training.epochs",
            f"{asked:g} epochs over {counted(case.rows, 'row')}. Models of this kind begin to learn the rows by heart "
            "after one to three passes: the loss on them goes on falling, that on held-out rows rises. Set 3 epochs, "
            "or let early stopping find the end.",
            f"{INSTRUCT_GPT} (held-out loss rises after 1 epoch); {LLAMA_2} (2 epochs)",
            Move("3 epochs", {"training.epochs": 3}),
            *([Move("Early stopping", {"training.early_stopping": 3})] if case.held_out else []),
        )
    elif case.rows < DOZENS and case.steps < 30 and asked <= MANY_EPOCHS:
        more = min(50, max(MANY_EPOCHS + 1, round(asked * 30 / max(1, case.steps))))
        yield _advice(
            "training.epochs",
            f"{counted(case.rows, 'row')} and {asked:g} epochs make {counted(case.steps, 'step')}. With dozens of rows "
            f"it takes more passes before anything shows. Try {more} epochs, and look at the held-out loss.",
            "Alpaca and Llama 2 took 2 to 3 epochs, of tens of thousands of rows and hundreds of steps; " + LLAMA_2,
            Move(f"{more} epochs", {"training.epochs": more}),
        )


def _guarded(case: Case) -> bool:
    return case.held_out > 0 and (case.recipe.training.early_stopping > 0 or case.recipe.training.keep_best)


def lora_batch(case: Case) -> Iterator[Problem]:
    """Under 32 rows."""
    if case.low_rank is not None and case.batch > LARGEST_LORA_BATCH:
        yield _advice(
            "training.batch_size",
            f"One step learns from {case.batch} rows. LoRA bears large batches less well than full fine-tuning, "
            "whatever its rank: it ends with a higher loss after as many rows. Keep it at 32 or less.",
            REGRET,
            Move("16 rows a step", _batch_of(case, 16)),
        )


def warm_up(case: Case) -> Iterator[Problem]:
    """A gentle start costs nothing in a long run."""
    training = case.recipe.training
    none = not training.warmup and not training.warmup_steps
    if none and case.steps >= LONG_RUN and training.optimizer != "sgd":
        yield _advice(
            "training.warmup",
            "There is no warm-up. In the first steps the optimiser has seen too little to know how far to go, and full "
            "steps can throw a model off. Let the learning rate rise over 5 % of the steps.",
            WARM_UP,
            Move("Warm-up of 5 %", {"training.warmup": 0.05}),
        )


def constant_schedule(case: Case) -> Iterator[Problem]:
    """A rate that never falls leaves noise."""
    if case.recipe.training.schedule in ("constant", "constant_with_warmup") and case.steps >= LONG_RUN:
        yield _advice(
            "training.schedule",
            "The learning rate stays high to the end. That is fine to compare runs of different lengths with; a rate "
            "that falls at the end lets the weights settle and nearly always ends with a lower loss.",
            COOL_DOWN,
            Move("Cosine", {"training.schedule": "cosine"}),
            Move("Fall at the end", {"training.schedule": "warmup_stable_decay"}),
        )


def forgetting(case: Case) -> Iterator[Problem]:
    """Full tuning forgets; general rows mixed in help."""
    data = case.recipe.data
    if case.recipe.method.trains_base and case.prepared and not data.mix and case.recipe.task.name != _CLASSES:
        yield _advice(
            "data.mix",
            f"{case.recipe.method.title} changes the base itself, and a model that learns only these rows loses some "
            "of what it knew before (catastrophic forgetting). Mix in some general rows in the Data tab, or choose "
            "LoRA, which forgets less.",
            f"{BIDERMAN}; on mixing in older data: {REPLAY}",
            Move("LoRA", {"method.name": "lora"}),
        )


def few_bits_first(case: Case) -> Iterator[Problem]:
    """QLoRA where memory is short."""
    need, capacity = case.figures.need, case.figures.capacity
    if case.gpus and need and capacity and need > capacity and case.recipe.method.name == "lora":
        yield _advice(
            "method.name",
            "The base does not fit with what training adds. QLoRA keeps it in 4 bits, a quarter of the memory, and "
            "came as near to full fine-tuning as LoRA in 16 bits did in the paper.",
            f"{QLORA_PAPER}, section 4",
            QLORA,
        )


def dropout(case: Case) -> Iterator[Problem]:
    """Against learning few rows by heart."""
    method = case.low_rank
    passes = case.steps * case.batch / case.rows if case.rows else 0
    if isinstance(case.recipe.task, DirectPreference):
        return  # which switches dropout off
    if method and not method.dropout and 0 < case.rows < FEW_ROWS and passes > MANY_PASSES:
        yield _advice(
            "method.dropout",
            f"{counted(case.rows, 'row')} are seen {passes:.0f} times each, without dropout. A "
            "little of it makes learning by heart harder. Try 0.1.",
            f"{QLORA_PAPER}, appendix: dropout 0.1 for models of 7 and 13 B",
            Move("Dropout 0.1", {"method.dropout": 0.1}),
        )


def weight_decay(case: Case) -> Iterator[Problem]:
    """More than anybody takes."""
    asked = case.recipe.training.weight_decay
    if asked > HIGH_DECAY:
        yield _advice(
            "training.weight_decay",
            f"A weight decay of {asked:g} pulls what is learned back towards 0 in every step. Recipes for tuning take "
            "0 to 0.1.",
            f"{LLAMA_2} (0.1)",
            Move("0.01", {"training.weight_decay": 0.01}),
        )


def labels(case: Case) -> Iterator[Problem]:
    """A head for classes instead of writing them out."""
    if case.recipe.task.name == "language-modeling" and case.class_like:
        yield _advice(
            "task.name",
            "The completions look like the names of a few classes. A classification head names only classes that "
            "exist, says how sure it is, and answers in one step. Set the task to classification, unless the model is "
            "to chat as well.",
            BERT,
            Move("Classification", {"task.name": _CLASSES}),
        )


def base_for_prompts(case: Case) -> Iterator[Problem]:
    """Soft prompts need a large base."""
    if case.recipe.method.family == "Soft prompts" and 0 < case.parameters < BILLION:
        yield _advice(
            "method.name",
            "Soft prompts catch up with full fine-tuning only on models of billions of weights; on small ones they "
            "stay far behind. Choose LoRA, or a larger base.",
            LESTER,
            Move("LoRA", {"method.name": "lora"}),
        )


def held_out_rows(case: Case) -> Iterator[Problem]:
    """Too few to tell."""
    share = case.recipe.data.held_out_share
    if 0 < case.held_out < FEW_HELD_OUT and case.rows + case.held_out >= 2 * FEW_HELD_OUT:
        wanted = min(0.5, round(FEW_HELD_OUT / (case.rows + case.held_out) + 0.005, 2))
        more = [Move(f"Hold out {wanted:.0%}", {"data.held_out_share": wanted})] if wanted > share else []
        yield _advice(
            "data.held_out_share",
            f"{counted(case.held_out, 'row')} held out: their loss jumps about by chance, so small differences between "
            "runs mean nothing. The error of an average falls with the root of how many it is taken over.",
            "Standard error of the mean",
            *([] if case.recipe.data.held_out_path else more),
        )


def longest_row(case: Case) -> Iterator[Problem]:
    """Room that no row fills."""
    longest, room = case.figures.longest, case.recipe.training.max_length
    if longest and room >= MUCH_UNUSED * longest and room > 64 and case.recipe.training.packing:
        fits = max(16, -(-longest // 16) * 16)
        yield _advice(
            "training.max_length",
            f"The longest row has {longest:,} tokens, and up to {room:,} are packed into one: memory for attention "
            "grows with the square of that.",
            "Vaswani et al. 2017, arXiv 1706.03762, table 1",
            Move(f"{2 * fits} tokens", {"training.max_length": 2 * fits}),
        )
    elif longest and longest > room:
        fits = min(32_768, -(-longest // 16) * 16)
        yield _advice(
            "training.max_length",
            f"The longest row has {longest:,} tokens, and what is beyond {room:,} is cut, the end of the answer first. "
            "A model that never sees an end learns to go on for ever.",
            "TRL cuts at the end: documentation of SFTConfig, max_length",
            Move(f"{fits} tokens", {"training.max_length": fits}),
        )


def delta_start(case: Case) -> Iterator[Problem]:
    """A base that never begins to move."""
    method = case.recipe.method
    if isinstance(method, DeltaLora) and case.steps and method.start_step >= case.steps:
        yield _advice(
            "method.start_step",
            f"The base begins to move after step {method.start_step}, but the run has {case.steps} steps: this is "
            "LoRA alone. Set the start step to 0, or train longer.",
            method.source,
            Move("Start at 0", {"method.start_step": 0}),
        )


_CLASSES = "sequence-classification"

RULES: tuple[Rule, ...] = (
    *(learning_rate, epochs, lora_batch, warm_up, constant_schedule, weight_decay),
    *(every_layer, rank_for_tokens, alpha, stable_rank, dropout, delta_start),
    *(forgetting, few_bits_first, base_for_prompts),
    *(labels, held_out_rows, longest_row),
)


def _advice(option: str, message: str, source: str, *moves: Move) -> Problem:
    return Problem(option, message, "advice", moves, source)


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio >= 2 else f"{ratio:.2g} times"


def _power_of_two(value: float) -> int:
    """The smallest power of two that is at least as large."""
    return 1 << max(0, int(value - 1e-9)).bit_length()


def _rank(method: Lora, rank: int) -> dict[str, int]:
    """The rank with an alpha that leaves the adapter about as loud."""
    if isinstance(method, RsLora):
        return {"method.rank": rank}
    return {"method.rank": rank, "method.alpha": min(512, max(1, round(method.alpha * rank / method.rank)))}


def _batch_of(case: Case, rows: int) -> dict[str, int]:
    """As many rows a step, with batches no larger than they were."""
    batch = min(rows, case.recipe.training.batch_size)
    return {"training.batch_size": batch, "training.gradient_accumulation": max(1, rows // batch)}

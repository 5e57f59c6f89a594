"""How it learns: rate and schedule, batches, optimiser, what holds overfitting back, memory, checks and checkpoints."""

from __future__ import annotations

from typing import Literal

from studio.knob import Part, knob

OptimizerName = Literal[
    "adamw",
    "adamw-8bit",
    "paged-adamw",
    "paged-adamw-8bit",
    "ademamix",
    "ademamix-8bit",
    "lion",
    "lion-8bit",
    "adafactor",
    "rmsprop",
    "adagrad",
    "sgd",
]
ScheduleName = Literal[
    "linear",
    "cosine",
    "cosine_with_min_lr",
    "cosine_with_restarts",
    "polynomial",
    "inverse_sqrt",
    "warmup_stable_decay",
    "constant",
    "constant_with_warmup",
    "reduce_lr_on_plateau",
]
TrackerName = Literal["none", "tensorboard", "wandb", "trackio", "mlflow"]

SCHEDULE = "Details of the schedule"
OPTIMIZER = "Optimiser"
OVERFITTING = "Against overfitting"
MEMORY = "Speed and memory"
CHECKS = "Held-out checks"
CHECKPOINTS = "Checkpoints"


class TrainingPart(Part):
    """How it learns."""

    learning_rate: float = knob(
        2e-4,
        "How far each step moves the weights. Too high and the loss jumps, too low and nothing happens. Try 2e-4 for "
        "LoRA on a model of 1 B parameters or more; tiny models like the starter want ten to thirty times that.",
        label="Learning rate",
        bounds=(1e-6, 1.0),
        scale="log",
        what="A model learns in many small steps. In each it looks at a few rows, finds out in which direction every "
        "weight should move to do better on them, and moves it a little that way. The learning rate is how far. With "
        "steps that are too long it overshoots and the loss jumps or grows; with steps that are too short it hardly "
        "gets anywhere. It is the one setting that is most worth trying at several values.",
        picture="learning-rate",
    )
    epochs: float = knob(
        3.0,
        "How often each row is seen. Try 3; fewer with thousands of rows, more with dozens.",
        label="Epochs",
        bounds=(0.1, 50.0),
        step=0.1,
        unit="passes",
        what="One epoch is one pass over all training rows. A second and third pass let the model learn what it did "
        "not catch at first. With many passes it starts to learn the rows by heart: the training loss keeps falling "
        "while the loss on held-out rows rises.",
        picture="epochs",
    )
    batch_size: int = knob(
        8,
        "Rows that are learned from at once. More is steadier and takes more memory. Try 8.",
        label="Batch size",
        bounds=(1, 128),
        step=1,
        unit="rows",
        what="In each step the model looks at several rows and moves its weights by what they say on average. A "
        "larger batch gives a steadier direction, fewer steps, and needs more memory. A batch of 8 over 400 rows "
        "makes 50 steps a pass.",
        picture="batch",
    )
    warmup: float = knob(
        0.05,
        "Share of the steps over which the learning rate rises from 0 to its full height, so that the first steps do "
        "no harm. Try 0.05.",
        label="Warm-up",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="share of the steps",
        what="At the very start the model has not yet seen your rows, and long steps in a direction that a handful of "
        "them suggests can spoil what it knows. So the learning rate begins near 0 and rises evenly to its full "
        "height. 0.05 means: over the first twentieth of all steps. A number of steps can be given instead, under the "
        "details of the schedule.",
        picture="warmup",
    )
    schedule: ScheduleName = knob(
        "cosine",
        "How the learning rate falls after the warm-up. Cosine and linear end at 0 and are safe; constant is for "
        "trying things out.",
        label="Schedule",
        what="Long steps are good at the beginning, when there is far to go, and short ones at the end, when only "
        "small corrections are left. The schedule says how the learning rate gets from the one to the other. The "
        "drawing shows it for your rows, step by step. Cosine and linear fall to 0, cosine_with_min_lr stops at a "
        "floor, cosine_with_restarts goes up again several times, warmup_stable_decay stays high and falls at the end "
        "only, and reduce_lr_on_plateau halves the rate when the held-out loss no longer falls.",
        picture="schedule",
    )
    max_length: int = knob(
        512,
        "Rows longer than this are cut at the end; the data tab says which. Memory grows with it. Try the longest row "
        "you care about.",
        label="Longest row",
        bounds=(16, 32_768),
        step=16,
        unit="tokens",
        what="Models read text in tokens, pieces of about four letters. A row with more tokens than this loses its "
        "end, so the model never learns how it goes on. Long rows need much memory: the longest row of a batch sets "
        "the length of all of them. The data tab draws how long your rows are.",
        picture="tokens",
    )
    warmup_steps: int = knob(
        0,
        "The warm-up as a number of steps. 0: the share above decides.",
        label="Warm-up in steps",
        bounds=(0, 10_000),
        step=1,
        unit="steps",
        group=SCHEDULE,
        what="The same as the warm-up above, counted in steps and not as a share of them. It is handy when you "
        "compare runs of different lengths that should start alike. Anything above 0 takes the place of the share.",
        picture="warmup",
    )
    schedule_floor: float = knob(
        0.1,
        "Where the rate ends, as a share of its height: for cosine_with_min_lr, polynomial and warmup_stable_decay. "
        "Try 0.1.",
        label="Floor",
        bounds=(0.0, 0.9),
        step=0.01,
        unit="share of the rate",
        group=SCHEDULE,
        what="Some schedules need not fall to 0. With a floor of 0.1 the last steps are still a tenth as long as the "
        "longest ones, so the last rows are learned from too. The other schedules do not look at this.",
        picture="schedule",
    )
    schedule_cycles: int = knob(
        3,
        "How often cosine_with_restarts goes up again. Try 3.",
        label="Restarts",
        bounds=(1, 20),
        step=1,
        unit="waves",
        group=SCHEDULE,
        what="The schedule with restarts falls along a wave, jumps back to its full height and falls again. Each jump "
        "can free the model from a solution that it got stuck in. This is the number of waves; the other schedules do "
        "not look at it.",
        picture="schedule",
    )
    schedule_power: float = knob(
        2.0,
        "How steeply the polynomial schedule falls: 1 is a straight line, more falls fast first. Try 2.",
        label="Power",
        bounds=(0.5, 5.0),
        step=0.5,
        group=SCHEDULE,
        what="The polynomial schedule falls as the share of steps that are left, raised to this power. 1 gives the "
        "linear schedule, 2 a curve that falls fast at first and levels out. The other schedules do not look at it.",
        picture="schedule",
    )
    schedule_decay: float = knob(
        0.2,
        "Share of the steps at the end over which warmup_stable_decay falls. Try 0.2.",
        label="Decay at the end",
        bounds=(0.0, 1.0),
        step=0.05,
        unit="share of the steps",
        group=SCHEDULE,
        what="Warm-up, stable, decay: the rate rises, stays at its full height for most of the run, and falls over "
        "the last part, which this sets. It is drawn from Hägele et al. 2024 (arXiv 2405.18392), with their fall "
        "along 1 - square root. The other schedules do not look at it.",
        picture="schedule",
    )
    plateau_patience: int = knob(
        1,
        "Held-out checks without progress that reduce_lr_on_plateau waits for before it halves the rate. Try 1.",
        label="Patience on a plateau",
        bounds=(0, 20),
        step=1,
        unit="checks",
        group=SCHEDULE,
        what="This schedule follows no plan: it watches the loss on held-out rows. When the loss has not fallen for "
        "more than this many checks, the learning rate is halved. It needs held-out rows, and has no warm-up. The "
        "other schedules do not look at it.",
        picture="schedule",
    )
    optimizer: OptimizerName = knob(
        "adamw",
        "The rule that turns gradients into steps. AdamW is the safe choice; the 8-bit kinds keep a quarter of its "
        "memory. Lion wants a learning rate three to ten times lower, SGD one that is far higher.",
        label="Optimiser",
        group=OPTIMIZER,
        what="The gradient says for each weight which way is better. The optimiser decides how long a step to take "
        "from it, and remembers earlier steps to do so more wisely. AdamW keeps two numbers for each weight that is "
        "trained, which is often more memory than the weight itself. The 8-bit kinds store these numbers coarsely, "
        "the paged ones move them out of a GPU that is full, Adafactor keeps only sums over rows and columns, Lion "
        "one number, and SGD at most one.",
        picture="optimizer",
    )
    momentum: float = knob(
        0.9,
        "How much of the last steps goes on in the next one, for SGD. Try 0.9.",
        label="Momentum",
        bounds=(0.0, 0.99),
        step=0.01,
        group=OPTIMIZER,
        what="Like a ball that rolls: each step keeps a part of the direction of those before it, so that single odd "
        "batches do not push it around. At 0.9 the last ten steps count. Only SGD looks at this; AdamW and its kin "
        "have their own, called beta 1.",
        picture="optimizer",
    )
    beta1: float = knob(
        0.9,
        "How long AdamW, AdEMAMix and Lion remember the direction of earlier steps. Try 0.9 and leave it.",
        label="Beta 1",
        bounds=(0.0, 0.999),
        step=0.001,
        group=OPTIMIZER,
        what="AdamW moves along a mean over the last gradients and not along the newest one alone. Beta 1 says how "
        "slowly that mean forgets: at 0.9 about the last ten steps count.",
        picture="optimizer",
    )
    beta2: float = knob(
        0.0,
        "How long it remembers how large gradients were. 0 takes what the optimiser's authors took: 0.999 for AdamW, "
        "0.99 for Lion and RMSprop.",
        label="Beta 2",
        bounds=(0.0, 0.9999),
        step=0.0001,
        group=OPTIMIZER,
        what="AdamW divides each step by the usual size of that weight's gradients, so that all weights move about "
        "equally far. Beta 2 says how slowly this usual size is forgotten: at 0.999 about the last thousand steps "
        "count. Runs of some dozens of steps sometimes gain from 0.95 to 0.99.",
        picture="optimizer",
    )
    epsilon: float = knob(
        1e-8,
        "A tiny number that keeps AdamW, AdEMAMix, RMSprop and Adagrad from dividing by zero. Leave it at 1e-8.",
        label="Epsilon",
        bounds=(1e-12, 1e-2),
        scale="log",
        group=OPTIMIZER,
        what="Optimisers that divide by the size of earlier gradients would divide by zero for a weight that never "
        "had any. So this small number is added to what they divide by. Larger values, such as 1e-5, calm the very "
        "first steps.",
        picture="optimizer",
    )
    max_grad_norm: float = knob(
        1.0,
        "A step larger than this is shortened to it (gradient clipping), so that one odd row cannot spoil the model. "
        "Try 1; 0 switches it off.",
        label="Gradient clipping",
        bounds=(0.0, 100.0),
        step=0.1,
        unit="norm",
        group=OPTIMIZER,
        what="Once in a while a batch holds something so strange that the gradient becomes huge. Clipping shortens "
        "such a gradient to this length and keeps its direction. Ordinary steps are not touched.",
        picture="clipping",
    )
    weight_decay: float = knob(
        0.0,
        "Pulls the trained weights towards 0 a little in each step, against learning by heart. Try 0, then 0.01.",
        label="Weight decay",
        bounds=(0.0, 0.5),
        step=0.01,
        group=OVERFITTING,
        what="Learning rows by heart tends to need large weights. Weight decay takes a little off every trained "
        "weight in each step, so that only what the rows keep asking for stays. With an adapter of low rank it rarely "
        "matters.",
        picture="weight-decay",
    )
    neftune: float = knob(
        0.0,
        "Adds a little noise to the text's embeddings while training, which made chat models answer better and at "
        "more length. 0: off; try 5.",
        label="NEFTune noise",
        bounds=(0.0, 50.0),
        step=1,
        group=OVERFITTING,
        what="Before a model reads a token it turns it into a list of numbers, its embedding. NEFTune shakes these "
        "numbers a little at random in each step, so that the model learns what a row says and not its exact wording. "
        "The number is the strength (alpha in Jain et al. 2023, arXiv 2310.05914, who used 5 to 15). Held-out checks "
        "and answers are never shaken.",
        picture="neftune",
    )
    label_smoothing: float = knob(
        0.0,
        "Asks the model to be a little less than certain of each token. 0: off; try 0.1. Costs a second forward pass "
        "a step when texts are learned.",
        label="Label smoothing",
        bounds=(0.0, 0.5),
        step=0.01,
        group=OVERFITTING,
        what="Usually the model is asked to give the right token all of the probability. With smoothing of 0.1 it is "
        "asked for nine tenths, and the rest may be spread over all other tokens, so that it does not become "
        "over-confident (Szegedy et al. 2015, arXiv 1512.00567, section 7). The training loss cannot fall to 0 then; "
        "the held-out loss is measured without smoothing and stays comparable.",
        picture="label-smoothing",
    )
    loss_type: Literal["nll", "dft"] = knob(
        "nll",
        "What is made small: nll is the usual loss, dft learns most from tokens that the model already half expects. "
        "For learning texts only. Try nll.",
        label="Loss",
        group=OVERFITTING,
        what="The loss measures how surprised the model is by the right tokens; training makes it small. The usual "
        "one (nll) cares most about the greatest surprises, which may be typing errors. Dynamic fine-tuning (dft; Wu "
        "et al. 2025, arXiv 2508.05629) weighs each token by how likely the model thought it was, so that odd rows do "
        "less harm. Its loss is a different number: compare such runs by their held-out loss, which is always nll.",
    )
    early_stopping: int = knob(
        0,
        "Ends the run after so many held-out checks in a row without a lower loss, and keeps the best weights. 0: "
        "off; try 3.",
        label="Early stopping",
        bounds=(0, 50),
        step=1,
        unit="checks",
        group=OVERFITTING,
        what="While a model learns, the loss on rows that it does not train on falls at first. When it begins to "
        "rise, the model is learning the training rows by heart. Early stopping waits for this many checks without "
        "progress, ends the run, and goes back to the weights that did best. It needs held-out rows.",
        picture="early-stopping",
    )
    smallest_improvement: float = knob(
        0.0,
        "A check counts as progress only if the held-out loss falls by more than this. Try 0, then 0.005.",
        label="Smallest improvement",
        bounds=(0.0, 1.0),
        step=0.001,
        unit="loss",
        group=OVERFITTING,
        what="Early stopping asks after each check whether the held-out loss has become lower. A fall of a thousandth "
        "may be chance. This says how much lower it has to be to count.",
        picture="early-stopping",
    )
    keep_best: bool = knob(
        False,
        "Keeps the weights of the check with the lowest held-out loss, not those of the last step. Early stopping "
        "does so always.",
        label="Keep the best",
        group=OVERFITTING,
        what="The last step is not always the best one. With this the run saves a checkpoint whenever the held-out "
        "loss reaches a new low, and takes the lowest as its result. It needs held-out rows and room for checkpoints.",
        picture="early-stopping",
    )
    gradient_accumulation: int = knob(
        1,
        "Batches that are added up before the weights move: the effect of a larger batch without its memory. Raise "
        "this when you must lower the batch size.",
        label="Gradient accumulation",
        bounds=(1, 128),
        step=1,
        unit="batches",
        group=MEMORY,
        what="Four batches of 2 rows, added up before one step, teach the same as one batch of 8 rows. Only 2 rows "
        "are in memory at a time; the price is speed.",
        picture="accumulation",
    )
    packing: bool = knob(
        False,
        "Puts several short rows behind each other into one of the longest row's length, so that no time goes into "
        "padding. The batch size then counts packed rows: lower it. For learning texts only.",
        label="Packing",
        group=MEMORY,
        what="Rows of a batch must be equally long, so short ones are filled up with padding that is computed for "
        "nothing. Packing lays several rows end to end, each seeing only itself, until the longest row's length is "
        "reached. With rows of very different lengths this can be two to three times faster. There are fewer, fuller "
        "steps then, so lower the batch size by as much as rows fit into one.",
        picture="packing",
    )
    group_by_length: bool = knob(
        False,
        "Makes batches of rows of about equal length, so that less is padded. The batch with the longest row comes "
        "first.",
        label="Group by length",
        group=MEMORY,
        what="Rows of a batch are filled up to its longest. When rows of like length are batched together, little is "
        "filled up and training is faster. The order is then a little less random. As the longest rows come first, "
        "memory that is too small shows at once.",
        picture="packing",
    )
    gradient_checkpointing: bool = knob(
        False,
        "Computes parts again instead of keeping them: much less memory, about a third slower. Switch it on when "
        "memory runs out.",
        label="Gradient checkpointing",
        group=MEMORY,
        what="To find the gradient, what each layer computed on the way forward is needed again on the way back, and "
        "keeping it takes most of the memory with long rows. With checkpointing only every layer's input is kept and "
        "the rest computed a second time. The result is the same.",
        picture="checkpointing",
    )
    precision: Literal["auto", "bfloat16", "float16", "float32"] = knob(
        "auto",
        "How numbers are held in the computation. Auto takes bfloat16 where this machine is faster with it.",
        label="Precision",
        group=MEMORY,
        what="A number can be stored in 32 bits or, more coarsely, in 16. Sixteen bits take half of the memory and "
        "are faster on most GPUs. bfloat16 covers the same range as 32 bits with fewer digits and is the safe kind; "
        "float16 has more digits but overflows more easily and needs a GPU.",
        picture="precision",
    )
    evaluations: int = knob(
        8,
        "How often the held-out loss is measured in the course of the run. 0: never.",
        label="Held-out checks",
        bounds=(0, 100),
        step=1,
        unit="times",
        group=CHECKS,
        what="Some rows are kept away from training. Every now and then the model is measured on them: this held-out "
        "loss tells whether it learns something that holds beyond the rows it has seen. Once before the first step, "
        "then about this many times.",
        picture="held-out",
    )
    evaluation_rows: int = knob(
        64,
        "Held-out rows used for each of those checks at most, so that checking does not take longer than training. "
        "Scoring after the run takes them all.",
        label="Rows per held-out check",
        bounds=(1, 10_000),
        step=1,
        unit="rows",
        group=CHECKS,
        what="More rows make the held-out loss steadier and each check slower. The first rows of the held-out part "
        "are taken, always the same ones, so that the checks of a run can be compared.",
        picture="held-out",
    )
    save_steps: int = knob(
        0,
        "A checkpoint is written each time after so many steps, so that a run that breaks off can go on from there. "
        "0: only when the run is stopped.",
        label="Checkpoint every",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
        group=CHECKPOINTS,
        what="A checkpoint is a copy of everything that the run needs to go on exactly where it was: the weights that "
        "move, the optimiser's memory, the random numbers and the place in the rows. If the machine goes down, at "
        "most this many steps are lost.",
    )
    saves_kept: int = knob(
        2,
        "Older checkpoints are removed; the best one stays where it is needed. Each is about three times what moves.",
        label="Checkpoints kept",
        bounds=(1, 100),
        step=1,
        unit="checkpoints",
        group=CHECKPOINTS,
        what="Each new checkpoint pushes out the oldest, so that the disk does not fill up. Where the run keeps its "
        "best weights, that checkpoint is never removed.",
    )
    max_steps: int = knob(
        0,
        "Ends after this many steps whatever the epochs say; 0: the epochs decide.",
        label="Steps at most",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
        advanced=True,
        what="One step is one move of the weights. A fixed number of steps makes a short trial, or makes runs over "
        "different rows comparable. Above 0 it takes the place of the epochs.",
    )
    seed: int = knob(
        42,
        "Decides the order of the rows and the adapter's first values: the same seed repeats the run.",
        label="Seed",
        bounds=(0, 2**31 - 1),
        advanced=True,
        what="A run draws random numbers: the order of the rows, the first values of an adapter, what dropout "
        "switches off. The seed fixes them all. Two runs that differ in the seed alone show how much is chance.",
    )
    tracker: TrackerName = knob(
        "none",
        "Sends the curves to a tracker that you have, too. TensorBoard and MLflow write into the run's folder; Weights "
        "& Biases uses the account that you logged in with.",
        label="Tracker",
        advanced=True,
        what="The studio draws and keeps all curves of a run by itself. If your team looks at runs in TensorBoard, "
        "Weights & Biases, Trackio or MLflow, the run can report there as well. Its package has to be installed beside "
        "the studio. Keys and passwords never go into a recipe: log in with the tracker's own command.",
    )

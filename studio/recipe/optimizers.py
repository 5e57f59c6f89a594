"""Which optimisers there are, what each keeps for a trained weight, and which of the options it reads.

Data only: the trainer takes the library's name from here, the forecast the bytes, the page the words.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Optimizer:
    """One optimiser.

    `library` is its name in transformers. `state_bytes` is what it keeps beside each trained weight, for matrices of
    the usual sizes (small ones of the 8-bit kinds stay in 32 bits); `momentum_bytes` comes on top where momentum is
    above 0. `takes` are the options of the training part that it reads, `usual_beta2` what it takes where beta 2 is
    left at 0. `paged` ones move their state to the machine's memory when the GPU is full; without a GPU they do what
    their plain kin does, no more. `source` is the paper.
    """

    title: str
    library: str
    state_bytes: float
    source: str
    takes: frozenset[str] = field(default_factory=frozenset)
    usual_beta2: float = 0.999
    momentum_bytes: float = 0.0
    paged: bool = False


_ADAM = frozenset({"beta1", "beta2", "epsilon"})
_BETAS = frozenset({"beta1", "beta2"})
_ADAMW = "Loshchilov & Hutter 2017, arXiv 1711.05101"
_EIGHT_BIT = "Dettmers et al. 2021, arXiv 2110.02861"
_LION = "Chen et al. 2023, arXiv 2302.06675"
_ADEMAMIX = "Pagliardini et al. 2024, arXiv 2409.03137"
_BLOCK = 4 / 256  # the 8-bit kinds keep one 32-bit scale for 256 values

OPTIMIZERS: dict[str, Optimizer] = {
    "adamw": Optimizer("AdamW", "adamw_torch_fused", 8, _ADAMW, _ADAM),
    "adamw-8bit": Optimizer("AdamW in 8 bits", "adamw_8bit", 2 + 2 * _BLOCK, _EIGHT_BIT, _ADAM),
    "paged-adamw": Optimizer("Paged AdamW", "paged_adamw_32bit", 8, _ADAMW, _ADAM, paged=True),
    "paged-adamw-8bit": Optimizer(
        "Paged AdamW in 8 bits", "paged_adamw_8bit", 2 + 2 * _BLOCK, _EIGHT_BIT, _ADAM, paged=True
    ),
    "ademamix": Optimizer("AdEMAMix", "ademamix", 12, _ADEMAMIX, _ADAM),
    "ademamix-8bit": Optimizer("AdEMAMix in 8 bits", "ademamix_8bit", 3 + 3 * _BLOCK, _ADEMAMIX, _ADAM),
    "lion": Optimizer("Lion", "lion_32bit", 4, _LION, _BETAS, usual_beta2=0.99),
    "lion-8bit": Optimizer("Lion in 8 bits", "lion_8bit", 1 + _BLOCK, _LION, _BETAS, usual_beta2=0.99),
    "adafactor": Optimizer("Adafactor", "adafactor", 0.3, "Shazeer & Stern 2018, arXiv 1804.04235"),
    "rmsprop": Optimizer(
        "RMSprop", "rmsprop", 4, "Hinton 2012, lecture 6e", frozenset({"beta2", "epsilon"}), usual_beta2=0.99
    ),
    "adagrad": Optimizer("Adagrad", "adagrad", 4, "Duchi et al. 2011, JMLR 12", frozenset({"epsilon"})),
    "sgd": Optimizer(
        "SGD with momentum", "sgd", 0, "Sutskever et al. 2013, ICML", frozenset({"momentum"}), momentum_bytes=4
    ),
}

NEEDS_GPU = frozenset(name for name, optimizer in OPTIMIZERS.items() if optimizer.paged)
"""Those that do more than their plain kin on a GPU only: elsewhere they train all the same, and a warning says so."""


def state_bytes(name: str, momentum: float) -> float:
    """Bytes that the optimiser of that name keeps for each trained weight (Adafactor: less for larger matrices)."""
    optimizer = OPTIMIZERS[name]
    return optimizer.state_bytes + (optimizer.momentum_bytes if momentum > 0 else 0)

"""What accelerate's launcher has to be told of a recipe's launch part, by the names of its own options."""

from __future__ import annotations

from studio.recipe.launch import LaunchPart

Options = dict[str, str | int | bool]


def fsdp_options(launch: LaunchPart) -> Options:
    """The group `fsdp_config` of accelerate's configuration; empty where the strategy is another one."""
    if launch.strategy != "fsdp2":
        return {}
    return {
        "fsdp_version": 2,
        "fsdp_reshard_after_forward": True,
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_state_dict_type": "SHARDED_STATE_DICT",
        "fsdp_offload_params": launch.offload,
        "fsdp_cpu_ram_efficient_loading": False,  # else the other processes have no weights to put an adapter on
    }


def deepspeed_options(launch: LaunchPart) -> Options:
    """The group `deepspeed_config`; empty where the strategy is another one. Clipping and accumulation are left to the
    trainer, who knows them."""
    if not launch.strategy.startswith("zero"):
        return {}
    stage = int(launch.strategy.removeprefix("zero"))
    device = "cpu" if launch.offload else "none"
    return {
        "zero_stage": stage,
        "offload_optimizer_device": device,
        "offload_param_device": device if stage == 3 else "none",
        "zero3_init_flag": False,
        "zero3_save_16bit_model": stage == 3,
    }


def launch_flags(launch: LaunchPart) -> list[str]:
    """The same as words of the command `accelerate launch`."""
    options = fsdp_options(launch) | deepspeed_options(launch)
    kinds = {"fsdp2": "--use_fsdp", "zero2": "--use_deepspeed", "zero3": "--use_deepspeed"}
    words = [kinds.get(launch.strategy, "--multi_gpu")]
    for name, value in options.items():
        words += [f"--{name}", str(value).lower() if isinstance(value, bool) else str(value)]
    return words

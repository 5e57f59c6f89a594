"""What a search tries next, and which of its runs are hopeless. Optuna decides; what it knows is told anew each time.

The run directories are the only truth, so the study is rebuilt from them at each question: a search survives a restart.
"""

from __future__ import annotations

import itertools
import logging
import math
from typing import TYPE_CHECKING, Any

from studio.run.directory import Status
from studio.run.search.plan import Dimension, SearchPlan
from studio.run.search.search import Trial

if TYPE_CHECKING:
    import optuna

TAUGHT_BY = 3  # finished runs before any is called hopeless
GRACE = 2  # checks of a run that are only watched: a rate may begin slowly


def next_changes(plan: SearchPlan, trials: list[Trial]) -> dict[str, Any] | None:
    """The options of the next run by dotted key, or None where there is nothing more to try."""
    number = max((trial.number for trial in trials), default=-1) + 1
    if number >= plan.trials:
        return None
    if plan.how == "grid":
        points = list(itertools.product(*(each.grid() for each in plan.over)))
        names = [each.option for each in plan.over]
        return dict(zip(names, points[number], strict=True)) if number < len(points) else None
    study, distributions = _study(plan, trials, number), {each.option: _distribution(each) for each in plan.over}
    drawn = study.ask(distributions).params
    return {each.option: _tidy(drawn[each.option], each) for each in plan.over}


def hopeless(plan: SearchPlan, trials: list[Trial]) -> list[Trial]:
    """The runs under way that are worse than the median of the finished ones at the same check.

    The median stopping rule (Golovin et al. 2017, Google Vizier, section 3.4.2).
    """
    import optuna

    if not plan.prune:
        return []
    pruner = optuna.pruners.MedianPruner(n_startup_trials=TAUGHT_BY, n_warmup_steps=GRACE)
    study = _study(plan, trials, 0)
    active = [trial for trial in trials if trial.status is Status.RUNNING]
    return [trial for trial in active if pruner.prune(study, _frozen(plan, trial))]


def _study(plan: SearchPlan, trials: list[Trial], number: int) -> optuna.Study:
    import optuna

    logging.getLogger("optuna").setLevel(logging.WARNING)
    seed = plan.seed * 1_000_003 + number
    sampler: optuna.samplers.BaseSampler = (
        optuna.samplers.RandomSampler(seed=seed)
        if plan.how == "random"
        else optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(5, max(2, plan.trials // 3)), multivariate=True)
    )
    study = optuna.create_study(sampler=sampler)
    for trial in trials:
        if trial.status.over:
            study.add_trial(_frozen(plan, trial))
    return study


def _frozen(plan: SearchPlan, trial: Trial) -> optuna.trial.FrozenTrial:
    """The trial in Optuna's words. A run that was given up counts as pruned, one without a loss as failed."""
    import optuna

    state = optuna.trial.TrialState.COMPLETE
    if not math.isfinite(trial.best):
        state = optuna.trial.TrialState.FAIL
    elif trial.given_up:
        state = optuna.trial.TrialState.PRUNED
    distributions = {each.option: _distribution(each) for each in plan.over}
    return optuna.trial.create_trial(
        state=state if trial.status.over else optuna.trial.TrialState.RUNNING,
        value=trial.best if trial.status.over and state.name == "COMPLETE" else None,
        params={name: value for name, value in trial.changes.items() if name in distributions},
        distributions=distributions,
        intermediate_values=dict(enumerate(trial.losses)),
    )


def _distribution(each: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if each.choices:
        return CategoricalDistribution(each.choices)
    if each.whole:
        return IntDistribution(round(each.low), round(each.high), log=each.log)
    return FloatDistribution(each.low, each.high, log=each.log)


def _tidy(value: Any, each: Dimension) -> Any:
    """Four digits are enough of a setting, and can be read; rounded within its range."""
    if each.choices or not isinstance(value, float):
        return value
    return min(max(float(f"{value:.4g}"), each.low), each.high)

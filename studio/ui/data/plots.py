"""Which plots the report has, and what each says in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.charts import GREEN
from studio.data.wording import counted, sentence
from studio.ui.data.figures import bars_figure, bin_names, lengths_figure, most_frequent, plot
from studio.ui.data.noticed import Noticed

if TYPE_CHECKING:
    from studio.run.study.study import Study


def plots_html(now: Noticed) -> str:
    """Token lengths with the cut, labels and languages, as far as they are known."""
    study = now.study.study if now.study else None
    plots = [_lengths(study, now.longest)] if study else []
    if now.known and len(now.known.report.labels) > 1:
        plots.append(_named("Labels", "label", now.known.report.labels))
    if study and len(study.languages) > 1:
        plots.append(_named("Languages", "language", study.languages))
    return f'<div class="data-plots">{"".join(plots)}</div>' if plots else ""


def _lengths(study: Study, max_length: int) -> str:
    whole = study.row_lengths
    says = (
        f"Half of the rows have {study.median_length:,} tokens or fewer, the longest {study.longest:,}. "
        f"{lost(study, max_length)}"
    )
    figure = lengths_figure(whole, study.prompt_lengths, study.completion_lengths, max_length)
    rows = [pair for pair in zip(bin_names(whole), whole.counts, strict=True) if pair[1]]
    return plot("Row lengths in tokens", figure, says, ("Tokens", "Rows"), rows)


def lost(study: Study, max_length: int) -> str:
    """What the longest row does to these rows, in a sentence."""
    said = []
    if study.cut_rows:
        said.append(f"{counted(study.cut_rows, 'row')} cut at {max_length:,} tokens")
    if study.dropped_rows:
        said.append(
            f"{counted(study.dropped_rows, 'row')} left out, with nothing to learn within {max_length:,} tokens"
        )
    if not said:
        return f"No row is longer than {max_length:,} tokens, so none is cut."
    share = 100 * study.lost_tokens / max(1, study.tokens)
    return f"{sentence(' and '.join(said))}: {share:.2g} % of all tokens are lost."


def _named(title: str, noun: str, counts: dict[str, int]) -> str:
    names, numbers = most_frequent(counts)
    total = sum(counts.values())
    most, least = names[0], min(counts, key=lambda name: counts[name])
    says = (
        f"{counted(len(counts), noun)} over {counted(total, 'row')}: {most} is the most frequent with "
        f"{100 * numbers[0] / total:.0f} %, {least} the rarest with {counted(counts[least], 'row')}."
    )
    colour = {"colour": GREEN} if noun == "language" else {}
    figure = bars_figure(names, numbers, **colour)
    return plot(title, figure, says, (noun.capitalize(), "Rows"), list(zip(names, numbers, strict=True)))

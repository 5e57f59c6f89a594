"""All metrics, and which of them fit some rows. To add one, write its function and put it in `METRICS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import Request
from studio.answer.metrics import json_answers, labels, last_number, manner, match, overlap, reading
from studio.answer.metrics.metric import Metric, Traits, of_pairs, of_values
from studio.answer.metrics.rules import rule_metrics
from studio.data.wording import counted, quoted, sentence
from studio.errors import StudioError

MOSTLY = 0.8  # of the references end in a number: then it is what they come down to

_ROUGE_HELP = {
    "rouge1": "single words",
    "rouge2": "pairs of neighbouring words",
    "rougeL": "the longest run of words in the same order, gaps allowed",
}
_PART_HELP = {
    "recall": ("recall", "How much of the reference the answer has, counted in {}."),
    "precision": ("precision", "How much of the answer is in the reference, counted in {}."),
    "fmeasure": ("F", "Recall and precision in one (harmonic mean), counted in {}."),
}


def _rouge(kind: overlap.Rouge, part: str) -> Metric:
    short, said = _PART_HELP[part]
    title = kind.replace("rouge", "ROUGE-")
    return Metric(
        f"{title.replace('-', '_').lower()}_{short.lower()}",
        f"{title} {short}",
        f"{said.format(_ROUGE_HELP[kind])} More is better; how a thing is said counts, not what is meant.",
        "words",
        overlap.rouge(kind, part),
        fits=lambda traits: traits.is_prose,
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        "label_accuracy",
        "Accuracy",
        "Share of rows whose class is named. More is better. Where one class is frequent, always naming it scores "
        "high: look at macro-F1 too.",
        "classes",
        of_values(labels.label_accuracy),
        hits=True,
        fits=lambda traits: traits.is_labels,
    ),
    Metric(
        "macro_f1",
        "Macro-F1",
        "Precision and recall of each class in one number, averaged so that rare classes count as much as frequent "
        "ones. More is better.",
        "classes",
        labels.class_counts,
        figure=labels.macro_f1,
        row_value=None,
        fits=lambda traits: traits.is_labels,
    ),
    Metric(
        "json_fields",
        "JSON fields right",
        "Share of the reference's fields that the answer has with the same value; 0 where it is no JSON. More is "
        "better.",
        "json",
        of_pairs(json_answers.json_fields),
        fits=lambda traits: traits.is_json,
    ),
    Metric(
        "json_valid",
        "Valid JSON",
        "Share of answers that are JSON and nothing else, right or wrong. More is better.",
        "json",
        of_pairs(json_answers.json_valid),
        hits=True,
        fits=lambda traits: traits.is_json,
    ),
    Metric(
        "number_match",
        "Right number",
        "Share of answers whose last number is that of the reference (what follows #### counts first). More is better.",
        "number",
        of_pairs(last_number.number_match),
        hits=True,
        fits=lambda traits: traits.is_numbers,
    ),
    Metric(
        "exact_match",
        "Exact match",
        "Share of answers that are the reference, character by character. More is better; where a thing can be said in "
        "many ways it is too strict.",
        "match",
        of_pairs(match.exact_match),
        hits=True,
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "normalised_match",
        "Match but for case and punctuation",
        "Share of answers that are the reference when case, punctuation, English articles and spaces are left out. "
        "More is better.",
        "match",
        of_pairs(match.normalised_match),
        hits=True,
        fits=lambda traits: traits.is_free,
    ),
    Metric(
        "token_f1",
        "Words in common (F1)",
        "Recall and precision of the words in one, in any order, without English articles, as SQuAD counts them. More "
        "is better.",
        "match",
        of_pairs(match.token_f1),
        fits=lambda traits: traits.is_free,
    ),
    *(_rouge(kind, part) for kind in overlap.ROUGES for part in ("fmeasure", "recall", "precision")),
    Metric(
        "bleu",
        "BLEU",
        "Runs of one to four words that answers and references share, over all rows together; short answers lose. Made "
        "for translation, and for scripts with blanks between words. More is better; single rows have none.",
        "words",
        overlap.bleu,
        figure=overlap.bleu_of,
        row_value=None,
        fits=lambda traits: traits.is_prose,
    ),
    Metric(
        "chrf",
        "chrF",
        "Runs of one to six characters that answers and references share, over all rows together. Fits every script "
        "and forgives endings. More is better.",
        "words",
        overlap.chrf,
        figure=overlap.chrf_of,
        row_value=overlap.chrf_of,
        fits=lambda traits: traits.is_free,
    ),
    Metric(
        "loss",
        "Loss on the references",
        "How little the reference is expected, in nats per token: 0 is certain. Less is better; comparable only "
        "between models with the same tokenizer.",
        "loss",
        reading.costs,
        better="lower",
        unit="nats",
        fits=lambda traits: traits.read,
    ),
    Metric(
        "perplexity",
        "Perplexity",
        "Between how many equally likely tokens the model would waver at each step of the reference: 1 is certain. "
        "Less is better; comparable only between models with the same tokenizer.",
        "loss",
        reading.costs,
        better="lower",
        unit="perplexity",
        figure=reading.perplexity,
        row_value=reading.perplexity,
        fits=lambda traits: traits.read,
    ),
    Metric(
        "length",
        "Length",
        "Words in an answer, on average. Neither long nor short is good in itself.",
        "manner",
        of_pairs(manner.length),
        better="neither",
        unit="words",
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "length_ratio",
        "Length against the reference",
        "Words in an answer over words in its reference, on average: 1 is as long, 2 twice as long.",
        "manner",
        of_pairs(manner.length_ratio),
        better="neither",
        unit="count",
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "repetition",
        "Repetition",
        "Share of runs of four words that the same answer had before. Less is better; some models fall into loops.",
        "manner",
        of_pairs(manner.repetition),
        better="lower",
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "refusals",
        "Refusals",
        "Share of answers that begin like a refusal (assets/refusals.yaml), of the rows whose reference does not. Less "
        "is better.",
        "manner",
        of_pairs(manner.refusal),
        hits=True,
        better="lower",
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "empty",
        "Empty answers",
        "Share of answers with nothing in them. Less is better.",
        "manner",
        of_pairs(manner.empty),
        hits=True,
        better="lower",
        fits=lambda traits: traits.answered and not traits.classes,
    ),
    Metric(
        "judge",
        "Judge",
        "Mean mark of a model that was asked to judge, from 0 to 1; more is better. Such judges favour "
        "long answers and what sounds like themselves (Zheng et al. 2023, arXiv 2306.05685): read some rows yourself.",
        "judge",
        of_values(lambda said: [row.marks.get(said.contestant) for row in said.rows]),
        fits=lambda traits: traits.marked,
    ),
    Metric(
        "own",
        "Your own metric",
        "Mean of what the function score(answers, references) of your file gave. More is taken to be better.",
        "own",
        of_values(lambda said: [row.own.get(said.contestant) for row in said.rows]),
        unit="count",
        fits=lambda traits: traits.owned,
    ),
)


@dataclass(frozen=True)
class Choice:
    """The metrics for some rows, the main one of them, and why these: a sentence each."""

    traits: Traits
    metrics: tuple[Metric, ...]
    main: str
    why: tuple[str, ...]


def choose(rows: Sequence[AnsweredRow], request: Request) -> Choice:
    """Which metrics fit the rows, or those that the request names, and its rules.

    Raises:
        StudioError: the request names a metric that there is not, or a rule that cannot be.
    """
    traits = traits_of(rows, request)
    rules = rule_metrics(request.rules)
    named = [_named(name) for name in request.metrics if name not in {rule.name for rule in rules}]
    metrics = (*(named or [metric for metric in METRICS if metric.fits(traits)]), *rules)
    if request.metrics:
        main = request.metrics[0]
        why = ["These metrics were asked for."]
    else:
        main, reason = _main(traits)
        main = main if main in {metric.name for metric in metrics} else (metrics[0].name if metrics else "")
        why = [*_recognised(traits), *([reason] if main else [])]
    return Choice(traits, metrics, main, tuple(why))


def traits_of(rows: Sequence[AnsweredRow], request: Request) -> Traits:
    """What the rows are, by their references."""
    references = [row.reference for row in rows]
    classes = request.task == "classes"
    objects = sum(map(json_answers.is_json_object, references))
    found = labels.labels_of(references) if objects < len(references) else ()
    if classes:
        said = [answer for row in rows for answer in row.answers.values()]
        found = tuple({labels.bare(each): each.strip() for each in [*said, *references]}.values())
    return Traits(
        number=len(rows),
        classes=classes,
        json_objects=objects,
        numbers=sum(map(last_number.ends_in_number, references)),
        labels=found,
        words=median(len(overlap.words(each)) for each in references) if rows else 0.0,
        answered=any(row.answers for row in rows),
        read=any(row.read for row in rows),
        marked=any(row.marks for row in rows),
        owned=any(row.own for row in rows),
    )


def _named(name: str) -> Metric:
    for metric in METRICS:
        if metric.name == name:
            return metric
    known = ", ".join(metric.name for metric in METRICS)
    raise StudioError(f"There is no metric {quoted(name)}. Choose from: {known}.")


def _main(traits: Traits) -> tuple[str, str]:
    """The metric to look at first, and why."""
    if not traits.answered:
        return "loss", "Nobody answers here, so how the references are read is looked at first."
    if traits.is_labels:
        return "label_accuracy", "Accuracy is looked at first."
    if traits.is_json:
        return "json_fields", "The share of fields that are right is looked at first."
    if traits.numbers >= MOSTLY * traits.number:
        return "number_match", "The right number is looked at first."
    if traits.is_prose:
        return "rouge_l_f", "ROUGE-L, words in common in the same order, is looked at first."
    return "normalised_match", "References are short, so whether the answer is the reference is looked at first."


def _recognised(traits: Traits) -> list[str]:
    number = traits.number
    why: list[str] = []
    if not number or not traits.answered:
        return why
    of_all = f"of {counted(number, 'reference')}"
    if traits.classes:
        why.append(f"The model names one of {len(traits.labels)} classes, so accuracy and macro-F1 are judged.")
    elif traits.is_labels:
        listed = ", ".join(quoted(label, 40) for label in traits.labels[:5])
        more = "" if len(traits.labels) <= 5 else " and more"
        why.append(f"The references are {len(traits.labels)} labels ({listed}{more}), so classes are judged.")
    if traits.is_json:
        all_of = "The reference is a JSON object" if number == 1 else f"All {number:,} references are JSON objects"
        why.append(f"{all_of}, so validity and fields are judged.")
    elif traits.json_objects and not traits.classes:
        why.append(f"Only {traits.json_objects:,} {of_all} are JSON objects, so JSON is not judged.")
    if traits.is_numbers:
        why.append(f"{traits.numbers:,} {of_all} end in a number, so the number is judged.")
    if traits.is_prose:
        why.append(f"References have {traits.words:g} words (median), so words in common are judged.")
    return [sentence(each) for each in why]

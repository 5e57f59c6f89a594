import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.answer.metrics.metric import Said, Traits
from studio.answer.metrics.overlap import ROUGES, bleu, bleu_of, chrf, chrf_of, rouge, words
from tests.answer.metrics.rows import rows_of

REFERENCES = ["The cat sat on the mat.", "He reads a book in bed.", "It's 5 o'clock now", "To be, or not to be"]
ANSWERS = ["The cat sat on a mat", "He read the book in his bed!", "", "not to be or to be"]


def said(answers, references):
    return Said(rows_of(references, answers, answers), "base", Traits(number=len(references)))


def rouge_of(kind, part, answer, reference):
    value, one = rouge(kind, part)(said([answer], [reference]))[0]
    assert one == 1
    return value


def test_unigram_recall_and_precision_worked_by_hand():
    """As guides to fine-tuning work ROUGE-1 (Lin 2004, section 2): words in common, over the words of the reference
    (recall) and over those of the answer (precision); a word counts at most as often as the other text has it.

    reference: the cat is on the mat   the 2, cat 1, is 1, on 1, mat 1   6 words
    answer:    the cat and the dog     the 2, cat 1, and 1, dog 1        5 words
    in common: the 2, cat 1                                              3 words
    """
    reference, answer = "the cat is on the mat", "the cat and the dog"
    recall, precision = 3 / 6, 3 / 5
    assert rouge_of("rouge1", "recall", answer, reference) == pytest.approx(recall) == 0.5
    assert rouge_of("rouge1", "precision", answer, reference) == pytest.approx(precision) == 0.6
    f = 2 * recall * precision / (recall + precision)  # 0.6 / 1.1
    assert rouge_of("rouge1", "fmeasure", answer, reference) == pytest.approx(f) == pytest.approx(6 / 11)
    # Clipped: "the" five times matches the two of the reference only.
    assert rouge_of("rouge1", "precision", "the the the the the", reference) == pytest.approx(2 / 5)


def test_rouge_l_by_hand():
    # Lin 2004, section 3: "police killed the gunman" and "police kill the gunman" share a subsequence of 3 words.
    assert rouge_of("rougeL", "fmeasure", "police kill the gunman", "police killed the gunman") == pytest.approx(0.75)


@pytest.mark.parametrize("kind", ROUGES)
@pytest.mark.parametrize("part", ["recall", "precision", "fmeasure"])
def test_rouge_is_what_rouge_score_gives_for_english(kind, part):
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind])  # its own words
    expected = [getattr(scorer.score(r, a)[kind], part) for a, r in zip(ANSWERS, REFERENCES, strict=True)]
    assert rouge(kind, part)(said(ANSWERS, REFERENCES))[:, 0] == pytest.approx(expected)
    assert max(expected) > 0.5


def test_bleu_and_chrf_are_what_sacrebleu_gives_for_all_rows_together():
    import sacrebleu

    both = said(ANSWERS, REFERENCES)
    expected = sacrebleu.corpus_bleu(ANSWERS, [REFERENCES]).score / 100
    assert bleu_of(bleu(both).sum(axis=0)) == pytest.approx(expected)
    assert 0 < expected < np.mean([sacrebleu.sentence_bleu(a, [r]).score / 100 for a, r in both.pairs])
    expected = sacrebleu.corpus_chrf(ANSWERS, [REFERENCES]).score / 100
    assert chrf_of(chrf(both).sum(axis=0)) == pytest.approx(expected)
    one_by_one = [sacrebleu.sentence_chrf(a, [r]).score / 100 for a, r in both.pairs]
    assert chrf_of(chrf(both)) == pytest.approx(one_by_one)


def test_words_of_any_script():
    assert words("Don't stop, Zoë_2") == ["don", "t", "stop", "zoë", "2"]
    assert words("привет, мир") == ["привет", "мир"]
    assert words("猫はmat") == ["猫", "は", "mat"]  # no blanks: sign by sign
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]  # vowel signs belong to the word
    assert rouge_of("rouge1", "recall", "我喜欢狗", "我喜欢猫") == pytest.approx(3 / 4)


def test_an_answer_that_is_missing_does_not_count():
    both = said(["a b", None], ["a b", "c d"])
    for statistics in (rouge("rouge1", "recall"), bleu, chrf):
        assert np.isnan(statistics(both)).any(axis=1).tolist() == [False, True]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_all_lie_between_0_and_1(answer, reference):
    pair = said([answer], [reference])
    values = [rouge(kind, "fmeasure")(pair)[0, 0] for kind in ROUGES]
    values += [float(bleu_of(bleu(pair).sum(axis=0))), float(chrf_of(chrf(pair).sum(axis=0)))]
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in values)

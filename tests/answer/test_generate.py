import pytest
from peft import IA3Config, LoraConfig

from studio.answer.generate import Row, generate, may_share_a_pass
from studio.answer.prompts import prompt_ids
from studio.answer.settings import Settings
from tests.tiny_run import TARGETS, make_run

SHORT, LONG = "Hi.", "Tell me of the heron and the miller, at length, and leave nothing out."
GREEDY = Settings(max_new_tokens=60)


def row(voices, text, tuned):
    return Row(prompt_ids(voices.tokenizer, [{"role": "user", "content": text}]), tuned)


def answers(voices, rows, settings=GREEDY, stopped=lambda: False):
    said = [[] for _ in rows]

    def heard(step):
        for place, token in step.items():
            said[place].append(token)

    generate(voices, rows, settings, heard, stopped)
    return said


def separately(voices, rows, settings=GREEDY):
    return [answers(voices, [row], settings)[0] for row in rows]


@pytest.mark.parametrize("kind", ["run", "quantized_run"])
def test_batch_gives_the_texts_of_separate_runs(kind, engine, request):
    voices = engine.load(request.getfixturevalue(kind))
    rows = [row(voices, SHORT, False), row(voices, LONG, True), row(voices, LONG, False), row(voices, SHORT, True)]
    together = answers(voices, rows)
    assert together == separately(voices, rows)
    assert together[0] != together[3]  # the adapter says something else
    assert len(together[0]) > 10


@pytest.mark.parametrize(
    "config",
    [
        LoraConfig(r=4, target_modules=TARGETS, task_type="CAUSAL_LM", use_dora=True),
        IA3Config(target_modules=TARGETS, feedforward_modules=["down_proj"], task_type="CAUSAL_LM"),
    ],
    ids=["dora", "ia3"],
)
def test_other_adapters_answer_in_turn_and_exactly(config, engine, run, base, tmp_path):
    assert not may_share_a_pass(config)
    plain = engine.load(run)
    of_base = separately(plain, [row(plain, SHORT, False)])
    voices = engine.load(make_run(tmp_path / "run", base, config=config))
    rows = [row(voices, SHORT, True), row(voices, SHORT, False)]
    together = answers(voices, rows)
    assert together == separately(voices, rows)
    assert [together[1]] == of_base
    assert together[0] != together[1]


def test_stop_ends_within_a_token(engine, run):
    voices = engine.load(run)
    steps = []
    generate(voices, [row(voices, SHORT, True)], GREEDY, steps.append, lambda: len(steps) >= 7)
    assert len(steps) <= 8


def test_a_row_that_ended_is_heard_no_more(engine, run):
    voices = engine.load(run)
    rows = [row(voices, SHORT, False), row(voices, LONG, True)]
    usual = answers(voices, rows)
    end = next(token for token in usual[0][2:] if token not in usual[0][:2] and token not in usual[1])
    ended = type(voices)(**{**vars(voices), "ends": frozenset({end})})
    first, second = answers(ended, rows)
    assert first == usual[0][: usual[0].index(end) + 1]
    assert second == usual[1]


def test_same_seed_same_text_whoever_else_is_in_the_batch(engine, run):
    voices = engine.load(run)
    rows = [row(voices, SHORT, False), row(voices, LONG, True)]
    lively = Settings(temperature=0.8, top_p=0.9, max_new_tokens=40, seed=3)
    together = answers(voices, rows, lively)
    assert together == answers(voices, rows, lively)
    assert together == separately(voices, rows, lively)
    assert together != answers(voices, rows, lively.model_copy(update={"seed": 4}))
    assert together != answers(voices, rows, GREEDY.model_copy(update={"max_new_tokens": 40}))


def test_a_tiny_nucleus_is_greedy(engine, run):
    voices = engine.load(run)
    rows = [row(voices, SHORT, True)]
    assert answers(voices, rows, Settings(temperature=1.0, top_p=0.01, max_new_tokens=60)) == answers(voices, rows)

import threading
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from peft import IA3Config, LoraConfig

from studio.answer.baton import Baton
from studio.answer.generate import Row, generate
from studio.answer.prompts import prompt_ids
from studio.answer.sampling import OTHERS
from studio.answer.settings import Settings
from studio.answer.voice import BASE, RESULT, Voice
from tests.tiny_run import TARGETS, make_run

SHORT, LONG = "Hi.", "Tell me of the heron and the miller, at length, and leave nothing out."
GREEDY = Settings(max_new_tokens=60)


def seats_of(engine, run):
    return engine.seats([Voice.of_run(str(run.path), part) for part in (BASE, RESULT)])


def row(seat, text):
    return Row(prompt_ids(seat.tokenizer, [{"role": "user", "content": text}]), seat)


def tokens(rows, settings=GREEDY, stopped=lambda: False):
    said = [[] for _ in rows]

    def heard(step):
        for place, token in step.items():
            said[place].append(token)

    generate(rows, settings, heard, stopped)
    return said


def answers(rows, settings=GREEDY):
    return [[token.id for token in said] for said in tokens(rows, settings)]


def separately(rows, settings=GREEDY):
    return [answers([row], settings)[0] for row in rows]


def four(seats):
    base, tuned = seats
    return [row(base, SHORT), row(tuned, LONG), row(base, LONG), row(tuned, SHORT)]


@pytest.mark.parametrize("kind", ["run", "quantized_run"])
def test_batch_gives_the_texts_of_separate_runs(kind, engine, request):
    base, tuned = seats_of(engine, request.getfixturevalue(kind))
    assert base.together == tuned.together is not None
    together = answers(four([base, tuned]))
    assert together == separately(four([base, tuned]))
    assert together[0] != together[3]  # the adapter says something else
    assert len(together[0]) > 10


@pytest.fixture(scope="module", params=["dora", "ia3"])
def other(request, base, tmp_path_factory):
    configs = {
        "dora": LoraConfig(r=4, target_modules=TARGETS, task_type="CAUSAL_LM", use_dora=True),
        "ia3": IA3Config(target_modules=TARGETS, feedforward_modules=["down_proj"], task_type="CAUSAL_LM"),
    }
    return make_run(tmp_path_factory.mktemp("other") / "run", base, config=configs[request.param])


def test_other_adapters_take_turns_and_are_exact(other, engine, run):
    of_base = separately([row(seats_of(engine, run)[0], SHORT)])
    base, tuned = seats_of(engine, other)
    assert base.together != tuned.together
    rows = [row(tuned, SHORT), row(base, SHORT)]
    together = answers(rows)
    assert together == separately(rows)
    assert [together[1]] == of_base
    assert together[0] != together[1]


def test_passes_take_turns_token_by_token(other, engine):
    base, tuned = seats_of(engine, other)
    order = []
    generate([row(base, SHORT), row(tuned, SHORT)], GREEDY, order.extend, lambda: False, Baton(turn=0))
    first = order.index(next(place for place in order if place != order[0]))
    assert set(order[first : first + 20]) == {0, 1}
    assert sum(one != after for one, after in pairwise(order)) > 40


def test_what_fails_in_one_pass_ends_all_and_frees_the_baton(other, engine):
    base, tuned = seats_of(engine, other)
    broken = replace(tuned, lead=lambda: 1 / 0)
    baton, steps = Baton(), []
    with pytest.raises(ZeroDivisionError):
        generate([row(base, SHORT), row(broken, SHORT)], GREEDY, steps.append, lambda: False, baton)
    assert len(steps) < GREEDY.max_new_tokens
    with baton.held() as turn:
        turn.between()


def test_those_that_answer_in_turn_come_after_the_others(other, engine):
    base, tuned = seats_of(engine, other)
    order = []
    generate([row(replace(base, in_turn=True), SHORT), row(tuned, SHORT)], GREEDY, order.extend, lambda: False)
    assert order == sorted(order, reverse=True)
    assert set(order) == {0, 1}


def test_stop_ends_within_a_token(engine, run):
    steps = []
    generate([row(seats_of(engine, run)[1], SHORT)], GREEDY, steps.append, lambda: len(steps) >= 7)
    assert len(steps) <= 8


def test_a_row_that_ended_is_heard_no_more(engine, run):
    rows = [row(seat, text) for seat, text in zip(seats_of(engine, run), (SHORT, LONG), strict=True)]
    usual = answers(rows)
    end = next(token for token in usual[0][2:] if token not in usual[0][:2] and token not in usual[1])
    ended = [Row(each.ids, replace(each.seat, ends=frozenset({end}))) for each in rows]
    first, second = answers(ended)
    assert first == usual[0][: usual[0].index(end) + 1]
    assert second == usual[1]


def test_same_seed_same_text_whoever_else_is_in_the_batch(engine, run):
    base, tuned = seats_of(engine, run)
    rows = [row(base, SHORT), row(tuned, LONG)]
    lively = Settings(temperature=0.8, top_p=0.9, max_new_tokens=40, seed=3)
    together = answers(rows, lively)
    assert together == answers(rows, lively)
    assert together == separately(rows, lively)
    assert together != answers(rows, lively.model_copy(update={"seed": 4}))
    assert together != answers(rows, GREEDY.model_copy(update={"max_new_tokens": 40}))


def test_a_tiny_nucleus_is_greedy(engine, run):
    rows = [row(seats_of(engine, run)[1], SHORT)]
    assert answers(rows, Settings(temperature=1.0, top_p=0.01, max_new_tokens=60)) == answers(rows)


@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_probabilities_are_the_models_own(temperature, engine, run):
    seats = seats_of(engine, run)
    rows = [row(seats[0], SHORT), row(seats[1], LONG)]
    settings = Settings(temperature=temperature, max_new_tokens=8, seed=1)
    for place, said in enumerate(tokens(rows, settings)):
        ids = rows[place].ids + [token.id for token in said]
        model = seats[place].model()
        names = {"adapter_names": [seats[place].adapter]} if seats[place].adapter else {}
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), **names).logits[0]
        shares = logits.float().softmax(-1)[len(rows[place].ids) - 1 : -1]
        for token, share in zip(said, shares, strict=True):
            assert token.p == pytest.approx(share[token.id].item(), rel=1e-3)
            likeliest = [each for each in share.topk(OTHERS + 1).indices.tolist() if each != token.id][:OTHERS]
            assert [other for other, _ in token.others] == likeliest
            assert [p for _, p in token.others] == pytest.approx(share[likeliest].tolist(), rel=1e-3)


def test_two_questions_at_once_do_not_disturb_each_other(other, run, engine):
    """PEFT keeps what a pass needs in the modules, so passes must not share these."""
    asked = [[row(seat, text) for seat in seats_of(engine, of)] for of in (run, other) for text in (SHORT, LONG)]
    alone = [answers(rows) for rows in asked]
    baton, at_once = Baton(turn=0), {}

    def ask(number):
        said = [[] for _ in asked[number]]
        heard = lambda step: [said[place].append(token.id) for place, token in step.items()]  # noqa: E731
        generate(asked[number], GREEDY, heard, lambda: False, baton, str(number))
        at_once[number] = said

    threads = [threading.Thread(target=ask, args=[number]) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [at_once[number] for number in range(len(asked))] == alone

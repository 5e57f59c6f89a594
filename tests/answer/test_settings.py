import pytest
from pydantic import ValidationError

from studio.answer.settings import Settings
from studio.knob import knobs


def test_every_setting_is_a_knob_with_bounds():
    assert [knob.name for knob in knobs(Settings)] == list(Settings.model_fields)
    assert all(knob.low is not None and knob.high is not None and knob.help for knob in knobs(Settings))


@pytest.mark.parametrize(
    "wrong", [{"temperature": 2.1}, {"temperature": -1}, {"top_p": 0}, {"max_new_tokens": 0}, {"seed": -1}, {"x": 1}]
)
def test_out_of_bounds(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_temperature_next_to_nothing_is_greedy():
    assert Settings(temperature=1e-40).greedy
    assert not Settings(temperature=0.1).greedy

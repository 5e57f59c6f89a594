from studio.answer.turn import may_answer
from studio.recipe.hardware import Gpu, Hardware

LAPTOP = Hardware(cores=2, memory_bytes=2**33, memory_free_bytes=2**32)
SERVER = Hardware(16, 2**37, 2**36, (Gpu("H200", 2**37, 2**36, (9, 0)),))


def test_a_run_takes_the_gpu():
    assert "has the GPU" in (may_answer(True, SERVER) or "")
    assert may_answer(False, SERVER) is None


def test_without_a_gpu_both_go_on():
    assert may_answer(True, LAPTOP) is None

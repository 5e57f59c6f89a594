"""Columns recognised by their names, and the pairs they make."""

import pytest

from studio.data.columns import examples, recognise, unjoined
from studio.data.example import Example
from studio.data.table import Table, preview
from studio.errors import StudioError


def table(*rows: dict[str, object], columns: tuple[str, ...] = ("prompt", "completion")) -> Table:
    return Table("a.json", columns, list(rows), "json", "utf-8")


@pytest.mark.parametrize(
    ("columns", "prompt", "completion"),
    [
        (("prompt", "completion"), "prompt", "completion"),
        (("id", "Question ", "ANSWER"), "Question ", "ANSWER"),
        (("instruction", "input", "output"), "instruction", "output"),
        (("instruction", "context", "response", "category"), "instruction", "response"),
        (("input", "output"), "input", "output"),
        (("User_Prompt", "text", "label"), "text", "label"),
        (("Frage", "Antwort"), "Frage", "Antwort"),
        (("question", "re\u0301ponse"), "question", "re\u0301ponse"),
        (("Pregunta", "Respuesta"), "Pregunta", "Respuesta"),
        (("вопрос", "ответ"), "вопрос", "ответ"),
        (("问题", "答案"), "问题", "答案"),
        (("質問", "答え"), "質問", "答え"),
        (("질문", "답변"), "질문", "답변"),
        (("السؤال", "الجواب"), "السؤال", "الجواب"),
        (("प्रश्न", "उत्तर"), "प्रश्न", "उत्तर"),
        (("Câu hỏi", "Trả lời"), "Câu hỏi", "Trả lời"),
        (("prompt", "completion", "messages"), "prompt", "completion"),
        (("act", "prompt"), "prompt", None),
        (("v1", "v2"), None, None),
    ],
)
def test_usual_names(columns: tuple[str, ...], prompt: str | None, completion: str | None) -> None:
    found = recognise(columns)
    assert (found.prompt, found.completion) == (prompt, completion)
    assert found.complete == (prompt is not None and completion is not None)
    assert found.reason.endswith(".")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("v1", "v2"), "None of the columns 'v1' and 'v2' has a usual name for the prompt or completion"),
        (("act", "prompt"), "'prompt' looks like the prompt, but none of the columns"),
        (("id", "conversations"), "prompt-completion pairs: save what is asked"),
        (("messages", "label"), "conversations (ShareGPT-style, in column 'messages')"),
        (("prompt", "chosen", "rejected"), "preferences (chosen and rejected)"),
        (("text",), "The only column is 'text', and a pair needs two"),
        (("instruction", "input", "output"), "does not join 'input' to the prompt"),
        (("question", "answer", "level"), "Not used: 'level'"),
    ],
)
def test_the_reason_says_what_is_needed(columns: tuple[str, ...], expected: str) -> None:
    assert expected in recognise(columns).reason


def test_cells_become_text() -> None:
    rows = table({"prompt": 3, "completion": True}, {"prompt": None, "completion": 1.5}, {"completion": " x "})
    assert examples(rows, "prompt", "completion") == [
        Example(1, "3", "true"),
        Example(2, "", "1.5"),
        Example(3, "", " x "),
    ]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (("a", "b"), "has no column 'a' and 'b'. Its columns are 'prompt' and 'completion'"),
        (("prompt", "b"), "has no column 'b'."),
        (("prompt", "prompt"), "for the prompt and for the completion"),
    ],
)
def test_columns_that_cannot_be(chosen: tuple[str, str], expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        examples(table({"prompt": "a", "completion": "b"}), *chosen)
    assert expected in str(caught.value)


def test_nested_cells_are_named_and_never_walked() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    rows = table({"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": deep})
    with pytest.raises(StudioError, match=r"'completion' holds lists or objects instead of text \(row 2\)"):
        examples(rows, "prompt", "completion")
    assert preview(deep) == "(a list of 1)"


def test_a_filled_input_is_left_out_and_an_empty_one_is_not() -> None:
    columns = ("instruction", "input", "output")
    rows = table(
        {"instruction": "hi", "input": " ", "output": "hello"},
        {"instruction": "sum up", "input": "a text", "output": "text"},
        columns=columns,
    )
    (found,) = unjoined(rows, "instruction")
    assert (found.rows, found.left_out) == ([2], True)
    assert unjoined(rows, "input") == []

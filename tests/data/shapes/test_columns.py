"""Columns chosen or recognised, and the examples they make without copying a text."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from studio.data.example import Example, Examples
from studio.data.findings import Finding
from studio.data.part import DataPart, Mapped
from studio.data.shapes.columns import Mapping, examples, live_example, resolve
from studio.data.table import Table
from studio.errors import StudioError
from tests.data.files.tables import table


def made(rows: Table, **options: Any) -> tuple[Examples, list[Finding], Mapping]:
    sides = {name: options.pop(name) for name in ("prompt_column", "completion_column") if name in options}
    part = DataPart(mapped=Mapped(**options), **sides)
    mapping = resolve(rows, part)
    return *examples(rows, mapping, part), mapping


def names_only(*columns: str) -> Table:
    return table({name: f"{name} {i}" for i, name in enumerate(columns)})


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
        (("task_id", "prompt", "canonical_solution"), "prompt", "canonical_solution"),
    ],
)
def test_usual_names(columns: tuple[str, ...], prompt: str, completion: str) -> None:
    found = resolve(names_only(*columns), DataPart())
    assert (found.prompt, found.completion) == (prompt, completion)
    assert (found.type, found.reason[-1]) == ("prompt-completion", ".")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("v1", "v2"), "None of the columns 'v1' and 'v2' has a usual name for the prompt or completion"),
        (("act", "prompt"), "'prompt' looks like the prompt, but none of the columns"),
        (("message",), "The only column is 'message', and a pair needs two"),
    ],
)
def test_what_a_file_needs_is_said(columns: tuple[str, ...], expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        resolve(names_only(*columns), DataPart())
    assert expected in str(caught.value)


def test_the_reason_names_what_is_not_used() -> None:
    assert "Not used: 'level'." in resolve(names_only("question", "answer", "level"), DataPart()).reason


def test_cells_become_text() -> None:
    rows = table({"prompt": 3, "completion": True}, {"prompt": None, "completion": 1.5}, {"completion": " x "})
    assert made(rows)[0] == [Example(1, "3", "true"), Example(2, "", "1.5"), Example(3, "", " x ")]


def test_pairs_are_the_very_columns_of_the_table() -> None:
    """A million rows are taken as they are: no text is copied."""
    rows = table(*({"prompt": f"p{i}", "completion": f"c{i}"} for i in range(100)))
    before = pa.total_allocated_bytes()
    found, _, _ = made(rows)
    assert pa.total_allocated_bytes() - before < 2_000
    assert found.table["prompt"].chunk(0).buffers()[2].address == rows.cells["prompt"].chunk(0).buffers()[2].address


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"prompt_column": "a", "completion_column": "b"}, "has no column 'a' and 'b'. Its columns are 'prompt' and"),
        ({"prompt_column": "prompt", "completion_column": "b"}, "has no column 'b'."),
        ({"prompt_column": "prompt", "completion_column": "prompt"}, "for the prompt and for the completion"),
        ({"label_column": "c", "group_column": "d"}, "has no column 'c' and 'd'"),
        ({"chosen_column": "prompt"}, "needs two different columns"),
        ({"shape": "conversation"}, "was to be read as conversations"),
        ({"shape": "text"}, "was to be read as plain text"),
        ({"shape": "preference"}, "was to be read as preferences"),
    ],
)
def test_columns_that_cannot_be(chosen: dict[str, str], expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        made(table({"prompt": "a", "completion": "b"}), **chosen)
    assert expected in str(caught.value)


def test_all_that_is_wrong_with_the_choices_is_said_at_once() -> None:
    rows = table({"prompt": "a", "completion": "b"})
    with pytest.raises(StudioError) as caught:
        made(rows, prompt_template="{who}", completion_template="{", label_column="class")
    assert len(caught.value.problems) == 3


def test_one_column_by_hand_and_the_other_by_its_name() -> None:
    found, _, mapping = made(table({"a": "1", "what": "2", "answer": "3"}), prompt_column="what")
    assert found == [Example(1, "2", "3")]
    assert "'what' is the prompt: it was chosen by hand. 'answer' is the completion" in mapping.reason


def test_nested_cells_of_a_text_column_are_left_out_and_named() -> None:
    rows = table(
        *({"prompt": f"p{i}", "completion": "c"} for i in range(5)), {"prompt": "p", "completion": {"deep": [[1]]}}
    )
    found, (finding,), _ = made(rows)
    assert list(found.rows) == [1, 2, 3, 4, 5]
    assert (finding.kind, finding.rows, finding.left_out) == ("nested-cell", [6], True)
    assert "'completion' holds a list or an object where a text is wanted" in finding.message


def test_a_filled_input_is_joined_under_the_instruction() -> None:
    rows = table(
        {"instruction": "hi", "input": " ", "output": "hello"},
        {"instruction": "sum up", "input": "a text", "output": "text"},
        {"instruction": "none", "output": "x"},
    )
    found, _, mapping = made(rows)
    assert [each.prompt for each in found] == ["hi", "sum up\n\na text", "none"]
    assert "'input' is joined under it where it is filled" in mapping.reason


def test_an_input_is_not_joined_where_it_is_the_prompt_itself() -> None:
    rows = table({"instruction": "x", "input": "asked", "output": "a"})
    assert made(rows, prompt_column="input")[0][0].prompt == "asked"


def test_templates_make_both_sides() -> None:
    rows = table({"q": "Who?", "context": "Ada wrote it.", "a": "Ada"}, {"q": "When?", "context": None, "a": "Then"})
    found, _, mapping = made(rows, prompt_template="{context}\n{q} {{json}}", completion_template="A: {a}")
    assert [(each.prompt, each.completion) for each in found] == [
        ("Ada wrote it.\nWho? {json}", "A: Ada"),
        ("\nWhen? {json}", "A: Then"),
    ]
    assert (mapping.prompt, mapping.completion) == (None, None)
    assert "made from the template" in mapping.reason


def test_a_system_prompt_makes_conversations() -> None:
    rows = table({"prompt": "a", "completion": "b", "who": "Be brief."}, {"prompt": "c", "completion": "d", "who": ""})
    found, _, mapping = made(rows, system_prompt="Be kind.", system_column="who")
    assert mapping.format == "conversational"
    assert [each.conversation[0] for each in found] == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
    ]
    assert [(each.prompt, each.completion) for each in found] == [("a", "b"), ("c", "d")]
    only_default = made(table({"prompt": "a", "completion": "b"}), system_prompt="Be kind.")[0]
    assert [each["role"] for each in only_default[0].conversation] == ["system", "user", "assistant"]


def test_label_and_group_are_taken_from_their_columns() -> None:
    rows = table({"prompt": "a", "completion": "b", "kind": "x", "who": 7}, {"prompt": "c", "completion": "d"})
    found, _, _ = made(rows, label_column="kind", group_column="who")
    assert [(each.label, each.group) for each in found] == [("x", "7"), ("", "")]


def test_a_label_follows_its_row_when_others_are_left_out() -> None:
    spoken = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = table({"messages": [], "kind": "x"}, {"messages": spoken, "kind": "y"})
    found, _, _ = made(rows, label_column="kind")
    assert [(each.row, each.label) for each in found] == [(2, "y")]


def test_a_live_example_is_that_of_its_row() -> None:
    rows = table({"q": "one", "a": "1"}, {"q": "two", "a": "2"})
    part = DataPart(mapped=Mapped(prompt_template="<{q}>", completion_template="{a}"))
    mapping = resolve(rows, part)
    assert live_example(rows, mapping, part, 2) == Example(2, "<two>", "2")
    with pytest.raises(StudioError, match="has no row 3"):
        live_example(rows, mapping, part, 3)


def test_a_live_example_of_a_row_that_makes_none_says_why() -> None:
    rows = table({"messages": [{"role": "user", "content": "q"}]})
    with pytest.raises(StudioError, match="no turn of the assistant"):
        live_example(rows, resolve(rows, DataPart()), DataPart(), 1)


def test_a_mapping_meets_a_file_without_its_columns() -> None:
    mapping = resolve(table({"prompt": "a", "completion": "b"}), DataPart())
    with pytest.raises(StudioError, match="has no column 'completion'"):
        examples(table({"prompt": "a"}), mapping, DataPart())


def test_answers_that_are_json_written_as_text_are_text() -> None:
    rows = table(*({"prompt": f"a {n}", "completion": f'{{"x": {n}}}'} for n in range(3)))
    assert resolve(rows, DataPart()).columns == {"prompt": "prompt", "completion": "completion"}

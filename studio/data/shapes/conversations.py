"""Conversations of any usual form (OpenAI, ShareGPT) as messages that a chat template takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from studio.data.example import Message
from studio.data.shapes.troubles import UnusableError
from studio.data.shapes.usual import SPEAKERS
from studio.data.wording import quoted

Told = Callable[[str], None]
"""Takes the kind of a trouble that does not stop the row."""

_TEXT_PARTS = {"text", "input_text", "output_text"}


def messages_of(cell: Any, told: Told) -> list[Message]:
    """The messages in a cell: a list of turns, one turn, `{"messages": […]}`, or the JSON text of one of these.

    Raises UnusableError where they cannot be read.
    """
    turns = parsed(cell)
    if isinstance(turns, dict) and isinstance(turns.get("messages"), list):
        if "parallel_tool_calls" in turns:
            told("parallel-calls")
        turns = turns["messages"]
    if isinstance(turns, dict) and _speaker_key(turns):
        turns = [turns]
    if turns is None or turns == "" or turns == []:
        raise UnusableError("empty-conversation")
    if not isinstance(turns, list):
        raise UnusableError("no-conversation", f", but {quoted(str(turns), 40)}" if isinstance(turns, str) else "")
    return [_message(turn, told) for turn in turns]


def parsed(cell: Any) -> Any:
    """What the JSON text in a cell holds; any other cell as it is."""
    if not isinstance(cell, str) or cell.lstrip()[:1] not in ("[", "{"):
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell


def looks_like_messages(cell: Any) -> bool:
    """Whether it is a list whose first item says who speaks, or an object that holds such a list."""
    turns = parsed(cell)
    if isinstance(turns, dict):
        turns = turns.get("messages")
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and bool(_speaker_key(turns[0]))


def is_turn(cell: Any) -> bool:
    """Whether it is one message."""
    turn = parsed(cell)
    return isinstance(turn, dict) and bool(_speaker_key(turn))


def tools_of(cell: Any) -> str:
    """A row's tools as the JSON text of OpenAI's form; empty where there are none. Raises UnusableError."""
    tools = parsed(cell)
    if tools in (None, "", [], {}):
        return ""
    if isinstance(tools, dict):
        tools = [tools]
    if not isinstance(tools, list):
        raise UnusableError("broken-tools", f"{quoted(str(tools), 40)} is no list")
    return orjson.dumps([_tool(tool) for tool in tools]).decode()


def _tool(tool: Any) -> dict[str, Any]:
    inner = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise UnusableError("broken-tools", "one of them has no name")
    return {"type": "function", "function": inner}


def _speaker_key(turn: dict[str, Any]) -> str:
    return next((key for key in ("role", "from", "speaker") if key in turn), "")


def _message(turn: Any, told: Told) -> Message:
    if isinstance(turn, dict) and len(turn) == 2:  # nearly all turns are as plain as this
        who, text = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        if isinstance(who, str) and isinstance(text, str) and who in SPEAKERS and who != "function_call":
            return {"role": SPEAKERS[who], "content": text}
    if not isinstance(turn, dict) or not _speaker_key(turn):
        raise UnusableError("broken-turn", "it does not say who speaks")
    said = turn[_speaker_key(turn)]
    spoken_by = said.strip().lower() if isinstance(said, str) else ""
    if spoken_by not in SPEAKERS:
        raise UnusableError("unknown-role", quoted(str(said), 30))
    message: Message = {"role": SPEAKERS[spoken_by], "content": ""}
    content = next((turn[key] for key in ("content", "value", "text") if turn.get(key) is not None), None)
    if spoken_by == "function_call":
        message["tool_calls"] = _calls(parsed(content))
    else:
        message["content"] = _text(content)
    _add_extras(message, turn, told)
    if content is None and "tool_calls" not in message:
        raise UnusableError("broken-turn", "it has no text")
    return message


def _add_extras(message: Message, turn: dict[str, Any], told: Told) -> None:
    if turn.get("tool_calls"):
        message["tool_calls"] = _calls(parsed(turn["tool_calls"]))
    elif turn.get("function_call"):
        message["tool_calls"] = _calls(parsed(turn["function_call"]))
    for key in ("name", "tool_call_id", "reasoning_content"):
        if isinstance(turn.get(key), str) and turn[key]:
            message[key] = turn[key]
    weight = turn.get("weight", turn.get("loss_weight"))
    if message["role"] == "assistant" and weight is not None:
        value = _number(weight)
        if value == 0:
            message["weight"] = 0
        elif value != 1:
            told("odd-weight")


def _number(weight: Any) -> float:
    try:
        return float(weight)
    except (TypeError, ValueError):
        return float("nan")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    if isinstance(content, dict):
        return orjson.dumps(content).decode()  # what a tool returned
    return "" if content is None else str(content)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, dict) else "something unknown"
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return str(part["refusal"])
    if kind not in _TEXT_PARTS:
        raise UnusableError("not-text", quoted(str(kind), 30))
    text = part.get("text", part.get("value"))
    if not isinstance(text, str):
        raise UnusableError("broken-turn", "a part of its content has no text")
    return text


def _calls(calls: Any) -> list[dict[str, Any]]:
    listed = calls if isinstance(calls, list) else [calls]
    if not listed:
        raise UnusableError("broken-tool-call", "there is none")
    return [_call(call) for call in listed]


def _call(call: Any) -> dict[str, Any]:
    """One call, its arguments as an object: templates write them out as JSON themselves."""
    inner = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(inner, dict):
        raise UnusableError("broken-tool-call", f"{quoted(str(call), 40)} is no object")
    if not isinstance(inner.get("name"), str) or not inner["name"]:
        raise UnusableError("broken-tool-call", "it has no name")
    arguments = parsed(inner.get("arguments") or {})
    if not isinstance(arguments, dict):
        raise UnusableError("broken-tool-call", f"the arguments of {quoted(inner['name'], 30)} are no JSON object")
    whole: dict[str, Any] = {"type": "function", "function": {"name": inner["name"], "arguments": arguments}}
    if isinstance(call.get("id"), str):
        whole["id"] = call["id"]
    return whole

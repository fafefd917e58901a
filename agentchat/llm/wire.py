"""What a history must be like before any vendor takes it: ids, names, arguments, files."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from agentchat.llm.base import File, ModelRequest, ToolCall, ToolSpec, Turn

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
PDF = "application/pdf"
INVALID = "_invalid"
"""The key under which arguments that are no JSON object go back to the model."""

_ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
LONGEST_NAME = 64


def cleaned(turns: Iterable[Turn]) -> list[Turn]:
    """``turns`` with ids and names of calls that every vendor takes.

    A thread may change its model: each vendor has rules of its own for ids, ids made up here may
    come twice, and a model may call what no tool is named. Turns that say nothing are left out,
    even those with reasoning: no vendor takes an empty one.
    """
    turns = [turn for turn in turns if not _is_empty(turn)]
    # An id that can stay is not to be given to another call first.
    taken = {call.id for turn in turns for call in turn.calls if _ID.fullmatch(call.id)}
    used: set[str] = set()
    ids: dict[str, str] = {}
    clean = []
    for turn in turns:
        if turn.calls:
            ids = {}
            for call in turn.calls:
                stays = call.id in taken and call.id not in used
                ids[call.id] = call.id if stays else _fresh_id(used | taken, len(used))
                used.add(ids[call.id])
        calls = tuple(
            replace(call, id=ids[call.id], name=clean_name(call.name)) for call in turn.calls
        )
        results = tuple(
            replace(result, call_id=ids.get(result.call_id, result.call_id))
            for result in turn.results
        )
        clean.append(replace(turn, calls=calls, results=results))
    return clean


def fresh_ids(turns: Iterable[Turn]) -> Iterator[str]:
    """Ids for calls whose server gave none: ``call_<n>``, other than those in ``turns``."""
    used = {call.id for turn in turns for call in turn.calls}
    while True:
        made = _fresh_id(used, len(used))
        used.add(made)
        yield made


def own_id(given: str, used: Collection[str], ids: Iterator[str]) -> str:
    """``given`` where it is one and not yet ``used``, else the first of ``ids`` that is not."""
    return next(id for id in chain([given], ids) if id and id not in used)


def clean_name(name: str) -> str:
    """``name`` as a name that a tool may have, or the schema of an answer."""
    return _NO_NAME.sub("_", name)[:LONGEST_NAME] or "unnamed"


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object; what is none is under the key :data:`INVALID`."""
    if call.arguments.strip() in ("", "null"):
        return {}
    given = object_in(call.arguments)
    return {INVALID: call.arguments.encode("utf-8", "replace").decode()} if given is None else given


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that ``text`` is, or None. Never raises."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        # A lone surrogate could not be sent.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parameters_of(tool: ToolSpec) -> dict[str, Any]:
    """The schema of a tool's arguments with all that the vendors ask for."""
    return {"type": "object", "properties": {}, **tool.schema}


def rooted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` with what its root refers to in the root's place.

    The schema of a type that holds itself is only a reference, and vendors ask for an object.
    """
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    definitions = schema.get("$defs", {})
    if name not in definitions:
        return dict(schema)
    return {**definitions[name], "$defs": definitions}


def offered(request: ModelRequest) -> tuple[ToolSpec, ...]:
    """The tools to tell the model of: without any, those that its history speaks of.

    Anthropic refuses a history with calls that declares no tools; the model is to be told
    separately that it cannot call these.
    """
    if request.tools:
        return request.tools
    names = dict.fromkeys(clean_name(call.name) for turn in request.turns for call in turn.calls)
    return tuple(ToolSpec(name, "No longer available.", {}) for name in names)


def text_of(file: File) -> str:
    """A file as text under its name, for a model that cannot take it as it is."""
    if not file.text.strip():
        return f"[The file {file.name} ({file.media_type}) cannot be shown to this model.]"
    return f"[File: {file.name}]\n{file.text}\n[End of file: {file.name}]"


def told(turn: Turn, media_types: Collection[str]) -> str:
    """The text of a turn, after that of its files that are not of ``media_types``."""
    parts = [text_of(file) for file in turn.files if file.media_type not in media_types]
    return "\n\n".join([*parts, turn.text] if turn.text.strip() else parts)


def seal(vendor: str, model: str, block: Mapping[str, Any]) -> str:
    """``block`` of a model's reasoning with the mark of who made it, as JSON."""
    return json.dumps({"vendor": vendor, "model": model, "block": block})


def unsealed(sealed: str, vendor: str, model: str) -> dict[str, Any] | None:
    """What :func:`seal` sealed for the same model of the same vendor, else None."""
    mark = object_in(sealed) or {}
    block = mark.get("block")
    same = (mark.get("vendor"), mark.get("model")) == (vendor, model)
    return block if same and isinstance(block, dict) else None


def _is_empty(turn: Turn) -> bool:
    return not (turn.text.strip() or turn.calls or turn.results or turn.files)


def _fresh_id(used: Collection[str], count: int) -> str:
    number = count + 1
    while f"call_{number}" in used:
        number += 1
    return f"call_{number}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")

"""What a visitor is shown of a thread: what is said, and nothing of how the app works."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, cast

from agentchat.agents.memory import Memories
from agentchat.agents.memory.tools import memory_tools
from agentchat.durable.clock import SystemClock
from agentchat.llm.embedder import HashEmbedder
from agentchat.shown.public import PRIVATE_TOOLS, WAITING, public_view
from agentchat.store.database import Database
from agentchat.tools.follow_up import follow_up_tools
from agentchat.tools.messages import search_messages_tool
from agentchat.views import AskView, FileView, MessageView, PartView, SourceView, ThreadView

CLOSED = "zanzibar"
"""A word in every field that is not shown."""
ASK = AskView(
    "ask", "question", "answered", CLOSED, CLOSED, "Which colour?", "clerk", CLOSED, CLOSED,
    CLOSED, (CLOSED,), "", "Red", CLOSED, "Ann",
)  # fmt: skip


def part(kind: str, **values: Any) -> PartView:
    """A part whose every field that is not named holds the word."""
    given: dict[str, Any] = {
        **{one.name: CLOSED for one in fields(PartView) if one.type == "str"},
        **{"kind": kind, "status": "done", "began": "", "ended": "", "agent": "clerk"},
        **{"name": "look", "text": "found", "input": "{}"},
    }
    return PartView(position=3, cost_usd=1.25, **(given | values))


def message(*parts: PartView, **values: Any) -> MessageView:
    given: dict[str, Any] = {
        **{one.name: CLOSED for one in fields(MessageView) if one.type == "str"},
        **{"id": "m1", "role": "assistant", "status": "done", "text": "It is red."},
        **{"author": "clerk", "created_at": "", "parts": parts},
    }
    return MessageView(**(given | values))


def shown(*parts: PartView, **values: Any) -> MessageView:
    """How a visitor sees a message."""
    view = ThreadView("t1", "Boats", (message(*parts, **values),), agent=CLOSED, parent_id=CLOSED)
    seen = public_view(view)
    assert CLOSED not in repr(asdict(seen))
    return seen.settled[0]


def test_what_is_said_is_shown_and_neither_runs_models_reasons_nor_settings() -> None:
    seen = shown(files=(FileView("f1", "a.png", "image/png", 7),))
    assert seen == MessageView(
        "m1", "assistant", "done", "It is red.", files=(FileView("f1", "a.png", "image/png", 7),),
        author="clerk",
    )  # fmt: skip
    failed = shown(status="failed", words=f"Set OPENAI_API_KEY {CLOSED}", next_step=CLOSED)
    assert (failed.status, failed.words, failed.next_step) == ("failed", "", "")


def test_only_the_answer_that_is_kept_is_shown_and_nobody_learns_that_there_are_others() -> None:
    kept = message(variants=3, undecided=True, kept_by=CLOSED)
    seen = public_view(ThreadView("t1", "", (kept,), others=(message(), message())))
    assert seen.others == ()
    assert (seen.settled[0].variants, seen.settled[0].undecided) == (1, False)


def test_what_grows_is_shown_as_it_grows() -> None:
    growing = message(status="running", text="It is", revision=4, words=f"Retrying {CLOSED}")
    [seen] = public_view(ThreadView("t1", "", live=(growing,))).live
    assert (seen.text, seen.revision, seen.words) == ("It is", 4, "")


def test_that_somebody_has_to_decide_is_told_and_not_what() -> None:
    ask = replace(ASK, kind="approval", status="open", text=CLOSED)
    seen = shown(part("tool", status="asked", asks=(ask,)), status="running", words=CLOSED)
    assert seen.words == WAITING
    assert [(one.status, one.asks) for one in seen.parts] == [("asked", ())]


def test_thoughts_memories_routes_and_notes_are_left_out() -> None:
    left_out = [part(kind, text=CLOSED) for kind in ("reasoning", "sources", "route", "note")]
    assert shown(*left_out, part("text", text="First.")).parts == (
        PartView(3, "text", "done", "clerk", "look", "First.", "{}"),
    )


def test_a_part_of_a_kind_that_nobody_has_decided_on_is_not_shown() -> None:
    assert shown(part("hologram", text=CLOSED)).parts == ()


def test_passwords_and_keys_are_hidden_in_what_tools_were_given_and_told() -> None:
    given = {"to": "Bo", "api_key": "sk-live-1234567890abcdef1234", "headers": [["Cookie", "c=1"]]}
    [seen] = shown(
        part("tool", input=json.dumps(given), text="password: hunter22, balance 7")
    ).parts
    assert json.loads(seen.input) == {
        "to": "Bo",
        "api_key": "[redacted]",
        "headers": [["Cookie", "[redacted]"]],
    }
    assert seen.text == "password: [redacted], balance 7"
    # What stands under which name cannot be told of one that was cut.
    [cut] = shown(part("tool", input=json.dumps(given)[:40] + "…")).parts
    assert cut.input == ""


def test_what_tools_of_memories_and_of_other_threads_tell_is_not_shown() -> None:
    source = SourceView(CLOSED, "https://example.org/t/thread-of-another", CLOSED)
    for name in PRIVATE_TOOLS:
        called = part("tool", name=name, text=CLOSED, input=f'{{"query": "{CLOSED}"}}')
        [seen] = shown(replace(called, sources=(source,))).parts
        assert (seen.name, seen.text, seen.input, seen.sources) == (name, "", "", ())


def test_the_tools_that_are_closed_are_those_that_are_shipped(tmp_path: Path) -> None:
    nothing = cast(Any, None)
    database = Database(f"sqlite:///{tmp_path / 'agentchat.db'}")
    memories = Memories(database, HashEmbedder(), SystemClock())
    shipped = [
        *memory_tools(memories),
        search_messages_tool(database),
        *follow_up_tools(nothing, SystemClock()),
    ]
    assert {tool.name for tool in shipped} == PRIVATE_TOOLS


def test_of_where_it_was_found_only_the_web_is_shown() -> None:
    sources = (
        SourceView("Herons", "https://birds.example/herons", CLOSED),
        SourceView(CLOSED, "/t/another-thread", CLOSED),
        SourceView(CLOSED, "", CLOSED),
        SourceView(CLOSED, f"javascript:{CLOSED}", CLOSED),
    )
    [seen] = shown(part("tool", sources=sources)).parts
    assert seen.sources == (SourceView("Herons", "https://birds.example/herons"),)


def test_questions_are_part_of_what_is_said_and_approvals_are_not() -> None:
    approval = replace(ASK, kind="approval", text=CLOSED, answer=CLOSED)
    [seen] = shown(part("tool", asks=(approval, ASK, replace(ASK, kind="limit")))).parts
    [asked] = seen.asks
    assert (asked.text, asked.answer, asked.decided_by) == ("Which colour?", "Red", "Ann")
    assert (asked.input, asked.input_hash, asked.choices, asked.reason) == ("", "", (), "")


def test_what_sub_agents_answer_is_treated_alike() -> None:
    inner = message(part("reasoning", text=CLOSED), part("tool", name="recall", text=CLOSED))
    [seen] = shown(part("agent", answer=inner, thread_id=CLOSED)).parts
    assert seen.answer is not None
    assert seen.answer.run_id == seen.thread_id == ""
    assert [one.name for one in seen.answer.parts] == ["recall"]
    assert seen.answer.parts[0].text == ""

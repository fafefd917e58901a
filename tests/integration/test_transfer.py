"""Threads as files: written, read, and made again."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert

from agentchat import Agent, AgentChat
from agentchat.columns import table_of
from agentchat.errors import InvalidInput, NotAllowed, ThreadNotFound
from agentchat.models import Message, Part, PartKind, PartStatus, Thread
from agentchat.store.writer import Tx
from agentchat.verbs.files import NewFile
from tests.integration.people_stage import (
    ANN,
    BOB,
    SAM,
    THREAD,
    VERA,
    People,
    audited,
    people_on,
    rows,
)
from tests.integration.test_ratings import over

Held = dict[str, Any]


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


async def written(chat: AgentChat, thread_id: str = THREAD, **options: Any) -> str:
    options.setdefault("actor", ANN)
    return "".join([piece async for piece in chat.export_thread(thread_id, **options)])


def comparable(text: str) -> Held:
    """What a file holds, with ids that tell only what is the same as what."""
    held: Held = json.loads(text)
    del held["exported_at"]
    ids = {one["id"]: f"m{number}" for number, one in enumerate(held["messages"])}
    for one in held["messages"]:
        one["id"] = ids[one["id"]]
        for part in one["parts"]:
            if part["data"].get("message_id"):
                part["data"]["message_id"] = ids[part["data"]["message_id"]]
    return held


async def rich(chat: AgentChat) -> None:
    """A thread with versions, answers side by side, tools and files."""
    files = [NewFile("notes.txt", "", b"terns"), NewFile("a.bin", "", bytes(range(256)))]
    first = await chat.send_message(THREAD, "one", actor=ANN, files=files)
    answer = (await over(chat)).messages[1]
    other = await chat.regenerate(answer.id, actor=BOB)
    view = await over(chat)
    while view.others[0].status != "done":
        view = await over(chat)
    await chat.keep(other, actor=BOB)
    await chat.send_message(THREAD, "two", actor=BOB)
    second = (await over(chat)).messages[2]
    await chat.edit_message(second.id, "zwei", actor=BOB)
    await over(chat)
    await chat.edit_message(first.id, "eins “ü” \u2028 x", actor=ANN)
    await over(chat)
    await chat.show_branch(THREAD, 1, actor=ANN)

    def add(tx: Tx) -> None:
        own: Held = {
            "message_id": answer.id,
            "thread_id": THREAD,
            "run_id": answer.run_id,
            "round": 0,
        }
        own |= {"started_at": chat._clock.now(), "agent": "a", "call_id": "", "step": "x"}
        tool: Held = {
            "kind": PartKind.TOOL,
            "name": "weather",
            "status": PartStatus.DONE,
            "text": "Rain",
        }
        tool |= {"input": {"city": "Bonn"}, "data": {"message_id": first.id, "why": "x"}}
        told: Held = {
            "kind": PartKind.TOOL,
            "name": "recall",
            "status": PartStatus.DONE,
            "text": "tea",
        }
        told |= {"input": None, "data": {}}
        parts = [own | one | {"position": at} for at, one in enumerate((tool, told))]
        tx.execute(insert(table_of(Part)), parts)

    await chat._database.write(add)


async def test_what_is_written_and_made_again_is_equal(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    await rich(chat)
    before = await written(chat)
    done = await chat.import_threads(before.encode(), actor=ANN)
    [made] = done.threads
    assert done.left_out == ()
    again = await written(chat, made.id)
    assert comparable(again) == comparable(before)
    # Something was in it to be compared.
    held = json.loads(before)
    assert len(held["branches"]) == 2
    assert sum(not one["kept"] for one in held["messages"]) == 1
    assert [part["name"] for one in held["messages"] for part in one["parts"]] == ["weather"]
    assert base64.b64decode(held["messages"][0]["files"][1]["content"]) == bytes(range(256))
    # And it is a thread like any other: shown as it was, and it goes on.
    view, mine = await over(chat), await over(chat, made.id)
    assert [one.text for one in mine.messages] == [one.text for one in view.messages]
    assert [one.branches for one in mine.messages] == [one.branches for one in view.messages]
    await chat.show_branch(made.id, 2, actor=ANN)
    await chat.send_message(made.id, "more", actor=ANN)
    mine = await over(chat, made.id)
    assert [one.text for one in mine.messages][:1] == ["eins “ü” \u2028 x"]
    assert await over(chat) == view
    assert {("export", "Ann"), ("import", "Ann")} <= {*await audited(chat)}


async def test_it_can_be_read(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    await rich(chat)
    text = await written(chat, form="markdown")
    assert text.startswith("# About zanzibar\n\n## Ann\n\n*20")
    assert "\none\n" in text
    assert "- File: `notes.txt` (5 bytes)" in text
    assert "\nzwei\n" in text
    # What is not shown is not in it.
    assert "\ntwo\n" not in text
    assert "eins" not in text
    # It is of the answer that is not kept.
    assert "weather" not in text


async def test_who_may_not_read_a_thread_gets_no_file_of_it(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."])
    await chat.send_message(THREAD, "one", actor=ANN)
    await over(chat)
    with pytest.raises(ThreadNotFound):
        await written(chat, actor=SAM)
    with pytest.raises(InvalidInput, match="none of json"):
        await written(chat, form="exe")
    assert "One." in await written(chat, actor=VERA)


async def test_nobody_becomes_somebody_by_a_file(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One.", "Two."])
    await chat.send_message(THREAD, "one", actor=ANN)
    await over(chat)
    held = json.loads(await written(chat))
    held["thread"] |= {"id": THREAD, "owner_id": ANN.id, "parent_id": THREAD, "agent": "nobody"}
    for one in held["messages"]:
        one |= {"user_id": ANN.id, "run_id": "a-run", "thread_id": THREAD, "status": "running"}
    [made] = (await chat.import_threads(json.dumps(held).encode(), actor=BOB)).threads
    assert made.id != THREAD
    view = await over(chat, made.id, BOB)
    assert (view.role, view.agent, view.parent_id) == ("owner", "", "")
    assert [(one.author, one.user_id, one.run_id) for one in view.messages] == [
        ("Ann", "", ""), ("a", "", ""),
    ]  # fmt: skip
    # What was under way is not.
    assert [one.status for one in view.messages] == ["done", "stopped"]
    with pytest.raises(ThreadNotFound):
        await over(chat, made.id, ANN)
    with pytest.raises(NotAllowed):
        await chat.edit_message(view.messages[0].id, "x", actor=BOB)


def broken(held: Held, path: str, value: Any) -> bytes:
    """The file with something else at one place of it."""
    copy = json.loads(json.dumps(held))
    at: Any = copy
    *names, last = path.split(".")
    for name in names:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = value
    return json.dumps(copy).encode()


async def test_a_file_that_is_damaged_makes_nothing(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=[f"A{n}." for n in range(1, 9)])
    await rich(chat)
    held = json.loads(await written(chat))
    before = len(await rows(chat._database, Thread)), len(await rows(chat._database, Message))
    last = str(len(held["messages"]) - 1)
    spare = next(n for n, one in enumerate(held["messages"]) if not one["kept"])
    files = [
        b"", b"no JSON", b"[" * 100_000, b"3", b"{}", b'"text"', b"[3]", b'[{"mapping": 3}]',
        b'{"format": "agentchat.thread/9"}', b'{"format": "agentchat.thread/1"}', b"\xff\xfe",
        broken(held, "thread.branch", 7),
        broken(held, "thread.created_at", "yesterday"),
        broken(held, "messages.0.role", "system"),
        broken(held, "messages.0.position", -1),
        broken(held, "messages.0.position", 5_000),
        broken(held, "messages.0.position", 10_000_000),
        broken(held, "messages.0.branch", 9),
        broken(held, "messages.0.kept", False),
        broken(held, f"messages.{spare}.kept", True),
        broken(held, "messages.1.id", held["messages"][0]["id"]),
        broken(held, f"messages.{last}.variant", 0),
        broken(held, "messages.0.text", "x" * 1_000_001),
        broken(held, "messages.0.text", 3),
        broken(held, "messages.0.files.0.content", "not base64!"),
        broken(held, "messages.0.files.0.name", "../\u0000"),
        broken(held, "branches.0.parent", 2),
        broken(held, "branches.0.number", 2),
        broken(held, "branches.0.position", 7),
        broken(held, "branches", held["branches"][:1]),
        broken(held, "messages", held["messages"][1:]),
    ]  # fmt: skip
    for number, content in enumerate(files):
        with pytest.raises(InvalidInput) as raised:
            raise AssertionError(number, await chat.import_threads(content, actor=ANN))
        assert 10 < len(str(raised.value)) < 500
    assert before == (
        len(await rows(chat._database, Thread)), len(await rows(chat._database, Message)),
    )  # fmt: skip


async def test_without_room_for_the_files_nothing_is_made(people: People) -> None:
    chat = await people.shared(Agent("a", "x"), replies=["One."], person_files_mb=1)
    file = NewFile("notes.txt", "", b"tern " * 120_000)
    await chat.send_message(THREAD, "one", actor=ANN, files=[file])
    await over(chat)
    text = (await written(chat)).encode()
    before = len(await rows(chat._database, Thread))
    with pytest.raises(InvalidInput, match="is the most"):
        await chat.import_threads(text, actor=ANN)
    assert len(await rows(chat._database, Thread)) == before
    assert len((await chat.import_threads(text, actor=BOB)).threads) == 1


def node(parent: str | None, role: str = "", *parts: Any, kind: str = "text") -> Held:
    message = {"author": {"role": role}, "create_time": 1_700_000_000.5}
    message["content"] = {"content_type": kind, "parts": list(parts)}
    return {"parent": parent, "message": message if role else None, "children": []}


async def test_what_chatgpt_exported_is_taken_in(people: People) -> None:
    mapping = {
        "root": node(None),
        "sys": node("root", "system", "You are."),
        "q1": node("sys", "user", "What is a tern?"),
        "a1": node("q1", "assistant", "A bird."),
        "q2": node("a1", "user", {"asset_pointer": "x"}, "And this?"),
        "t": node("q2", "tool", "found", kind="text"),
        "c": node("t", "assistant", "search()", kind="code"),
        "a2": node("c", "assistant", "Another."),
        "a3": node("a2", "assistant", "Look."),
        "old": node("a1", "user", "Never mind."),
    }
    one = {"title": "Birds", "create_time": 1_700_000_000, "current_node": "a3", "mapping": mapping}
    empty = {"title": "None", "mapping": {"root": node(None)}}
    chat = await people.shared(Agent("a", "x"))
    done = await chat.import_threads(json.dumps([one, empty]).encode(), actor=ANN)
    assert [thread.title for thread in done.threads] == ["Birds"]
    assert done.left_out == (
        "2 calls of tools, and thoughts", "1 empty conversations",
        "1 messages of other versions", "1 pictures and files",
    )  # fmt: skip
    view = await over(chat, done.threads[0].id)
    assert [one.text for one in view.messages] == [
        "What is a tern?", "A bird.", "And this?", "Another.\n\nLook.",
    ]  # fmt: skip
    assert [one.user_id for one in view.messages] == [ANN.id, "", ANN.id, ""]
    assert view.messages[0].created_at.startswith("2023-11-14T22:13:20")
    # A circle has an end.
    mapping["root"]["parent"] = "a3"
    assert (await chat.import_threads(json.dumps([one]).encode(), actor=ANN)).threads


async def test_what_claude_exported_is_taken_in(people: People) -> None:
    said = [
        {"sender": "human", "text": "What is a tern?", "created_at": "2025-01-01T10:00:00Z"},
        {
            "sender": "assistant",
            "text": "flat",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Bird."}],
            "attachments": [{"file_name": "x"}],
        },
    ]
    one = {"name": "Birds", "created_at": "2025-01-01T00:00:00", "chat_messages": said}
    chat = await people.shared(Agent("a", "x"))
    done = await chat.import_threads(json.dumps([one]).encode(), actor=ANN)
    assert done.left_out == ("1 calls of tools, and thoughts", "1 pictures and files")
    view = await over(chat, done.threads[0].id)
    assert [one.text for one in view.messages] == ["What is a tern?", "Bird."]

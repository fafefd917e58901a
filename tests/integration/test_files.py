"""Files sent with messages: checked, read, shown to models as each takes them, and read back."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter

from agentchat import LOCAL, Actor, Agent, AgentChat, MessageView, SecondMessage, Settings, tool
from agentchat.agents.told import FILES_OF, UNREADABLE
from agentchat.agents.tools import ToolContext
from agentchat.errors import InvalidInput, NotAllowed, NotFound
from agentchat.llm.base import Provider
from agentchat.llm.scripted import ScriptedProvider
from agentchat.verbs.files import NewFile, checked_name
from agentchat.verbs.reading import checked_files, media_type_of
from tests.fake_provider import FakeProvider, Reply
from tests.integration.agents_stage import ANN, AgentStage, call, settled
from tests.integration.asking import LONG, anthropic_at, openai_at
from tests.integration.test_web_tools import pdf_of

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PDF = pdf_of("Herons eat frogs", "They fly at dusk")
CLERK = Agent("clerk", "Answer.")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


def file(name: str, content: bytes, media_type: str = "") -> NewFile:
    return NewFile(name, media_type, content)


def encrypted(content: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(content)))
    writer.encrypt("secret", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


async def send(chat: AgentChat, *files: NewFile, text: str = "Look at this.") -> MessageView:
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, text, actor=ANN, files=files)
    message = await settled(chat, thread.id)
    assert message.status == "done", message.words
    return message


# At the edge


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", PNG, "image/png"),
        ("a.txt", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        ("a.gif", b"GIF89a..", "image/gif"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("a.pdf", PDF, "application/pdf"),
        ("a.png", b"\n\n%PDF-1.4 late", "application/pdf"),
        ("a.pdf", b"no pdf at all", "text/plain"),
        ("a.md", b"# Hi", "text/markdown"),
        ("a.csv", b"a,b\n1,2", "text/csv"),
        ("a.json", b"{}", "application/json"),
        ("a.HTML", b"<p>x", "text/html"),
        ("a.svg", b"<svg onload='x()'/>", "application/xml"),
        ("BMW.txt", b"BMW is a car", "text/plain"),
        ("a.exe", b"MZ\x90\x00\x03", "application/octet-stream"),
        ("a.docx", b"PK\x03\x04\x14\x00\x06\x00", None),
        ("a.bin", bytes(range(256)), "application/octet-stream"),
    ],
)
def test_what_a_file_is_is_found_from_its_content(
    name: str, content: bytes, kind: str | None
) -> None:
    found = media_type_of(name, content)
    assert found == kind if kind else found.endswith("wordprocessingml.document")


@pytest.mark.parametrize(
    "content",
    [
        "Grüße".encode(),
        "\ufeffGrüße".encode(),
        "\ufeffGrüße".encode("utf-16-le"),
        "\ufeffGrüße".encode("utf-16-be"),
        "Grüße".encode("cp1252"),
    ],
)
async def test_text_is_read_in_its_charset(content: bytes) -> None:
    [read] = await checked_files([file("a.txt", content)], Settings())
    assert read.text == "Grüße"


async def test_a_pdf_is_read_by_its_pages() -> None:
    [read] = await checked_files([file("a.pdf", PDF)], Settings())
    assert read.text == "[page 1 of 2]\nHerons eat frogs\n\n[page 2 of 2]\nThey fly at dusk"


@pytest.mark.parametrize(
    ("content", "words"),
    [(encrypted(PDF), "protected by a password"), (b"%PDF-1.7\nbroken", "damaged")],
)
async def test_a_pdf_that_cannot_be_read_says_why(content: bytes, words: str) -> None:
    [read] = await checked_files([file("a.pdf", content)], Settings())
    assert read.text.startswith(UNREADABLE)
    assert words in read.text


async def test_a_pdf_without_text_says_so() -> None:
    [read] = await checked_files([file("a.pdf", pdf_of("", ""))], Settings())
    assert "hold no text" in read.text
    assert not read.text.startswith(UNREADABLE)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("C:\\Users\\ann\\cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("my  file\n.txt", "my file .txt"),
    ],
)
def test_a_name_has_no_folders_and_no_line_breaks(name: str, kept: str) -> None:
    assert checked_name(name) == kept


@pytest.mark.parametrize(
    "name", ["", "..", " ", "a/", "x\x07.txt", "gpj\u202eexe.txt", "n" * 201, None]
)
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInput):
        checked_name(name)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([file("a.txt", b"")], "empty"),
        ([file("a.txt", b"x" * 1_001)], "0 MB is the most"),
        ([file(f"{n}.txt", b"x") for n in range(4)], "3 files at most"),
        ([NewFile("a.txt", "", "text")], "is bytes"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_too_much_is_refused_and_nothing_is_sent(
    stage: AgentStage, files: list[NewFile], words: str
) -> None:
    stage.settings = Settings(db_url=stage.settings.db_url, file_mb=0.001, message_files=3)
    chat = await stage.open(CLERK)
    thread = await chat.create_thread(actor=ANN)
    with pytest.raises(InvalidInput, match=words):
        await chat.send_message(thread.id, "Look", actor=ANN, files=files)
    assert await anext(chat.follow_threads()) == ()


async def test_a_file_is_read_back_as_it_was(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, replies=["Nice."])
    thread = await chat.create_thread(actor=ANN)
    files = [file("cat.png", PNG, "text/html"), file("b.txt", b"B")]
    await chat.send_message(thread.id, "Look", actor=ANN, files=files)
    await settled(chat, thread.id)
    view = await anext(chat.follow(thread.id))
    [first, second] = view.messages[0].files
    assert (first.name, first.media_type, first.size) == ("cat.png", "image/png", len(PNG))
    found = await chat.files.get(first.id, actor=ANN)
    assert (found.name, found.media_type, found.content) == ("cat.png", "image/png", PNG)
    assert (await chat.files.get(second.id)).content == b"B"
    with pytest.raises(NotAllowed):
        await chat.files.get(first.id, actor=Actor("", ""))
    with pytest.raises(NotFound):
        await chat.files.get("0" * 32, actor=LOCAL)
    await chat.delete_thread(thread.id, actor=ANN)
    with pytest.raises(NotFound):
        await chat.files.get(first.id, actor=ANN)


# What models are told


async def test_a_model_that_takes_no_files_is_told_their_text_and_names(stage: AgentStage) -> None:
    chat = await stage.open(CLERK, replies=["ok"])
    await send(chat, file("a.pdf", PDF), file("cat.png", PNG), file("x.bin", bytes(range(256))))
    [turn] = stage.provider.requests[0].turns
    [paper] = turn.files
    assert "Herons eat frogs" in paper.text
    assert "[An image named cat.png cannot be seen by this model.]" in turn.text
    assert "[The file x.bin (application/octet-stream) cannot be read by this model.]" in turn.text


async def test_files_of_old_messages_are_told_by_their_names(stage: AgentStage) -> None:
    replies = ["ok"] * 20
    chat = await stage.open(CLERK, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    for n in range(FILES_OF // 2 + 2):
        await chat.send_message(
            thread.id, f"Number {n}", actor=ANN, files=[file(f"{n}.txt", f"content {n}".encode())]
        )
        await settled(chat, thread.id)
    turns = [one for one in stage.provider.requests[-1].turns if one.role == "user"]
    assert turns[0].files == ()
    assert turns[0].text == (
        "[A file was sent here: 0.txt (text/plain). It is not shown any more.]\nNumber 0"
    )
    assert [one.text for one in turns[-1].files] == [f"content {FILES_OF // 2 + 1}"]
    assert sum(len(turn.files) for turn in turns) == FILES_OF // 2


async def test_a_file_that_joins_an_answer_is_told_with_its_message(stage: AgentStage) -> None:
    sent: list[str] = []

    @tool
    async def wait(context: ToolContext) -> str:
        """Wait."""
        if not sent:
            sent.append("a note")
            note = [file("n.txt", b"The word is heron.")]
            steer = SecondMessage.STEER
            await chat.send_message(
                context.thread_id, "See this.", actor=ANN, second=steer, files=note
            )
        return "waited"

    # What is sent during one call of a tool joins with the next.
    replies = [[call("wait", "c1")], [call("wait", "c2")], "Heron."]
    chat = await stage.open(Agent("clerk", "Answer.", tools=(wait,)), replies=replies)
    await send(chat)
    told = stage.provider.requests[2].turns[-1]
    assert told.text == "See this."
    assert [one.text for one in told.results] == ["waited"]
    assert [one.text for one in told.files] == ["The word is heron."]


@pytest.fixture(params=["openai", "anthropic"])
def vendor(
    request: pytest.FixtureRequest, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> Provider:
    """A model of each vendor's own."""
    monkeypatch.setattr("agentchat.llm.openai.OPENAI_URL", fake.openai_url)
    monkeypatch.setattr("agentchat.llm.anthropic.ANTHROPIC_URL", fake.anthropic_url)
    make = openai_at if request.param == "openai" else anthropic_at
    return make(fake.openai_url, fake.anthropic_url, LONG)


async def test_images_and_pdfs_go_to_the_vendors_as_they_are(
    stage: AgentStage, vendor: Provider, fake: FakeProvider
) -> None:
    chat = await stage.open(CLERK, provider=vendor)
    await send(chat, file("cat.png", PNG), file("a.pdf", PDF), file("n.md", b"# Notes"))
    assert fake.rejected == []
    content = fake.requests[-1].json["messages"][-1]["content"]
    image, paper = base64.b64encode(PNG).decode(), base64.b64encode(PDF).decode()
    if vendor.id.startswith("anthropic"):
        assert [one["type"] for one in content] == ["image", "document", "text"]
        assert content[0]["source"]["data"] == image
        assert content[1]["source"]["data"] == paper
        assert content[1]["source"]["media_type"] == "application/pdf"
    else:
        assert [one["type"] for one in content] == ["image_url", "file", "text"]
        assert content[0]["image_url"]["url"] == f"data:image/png;base64,{image}"
        assert content[1]["file"] == {
            "filename": "a.pdf",
            "file_data": f"data:application/pdf;base64,{paper}",
        }
    assert "# Notes" in content[2]["text"]
    assert content[2]["text"].endswith("Look at this.")


async def test_a_pdf_that_vendors_would_refuse_is_told_in_words(
    stage: AgentStage, vendor: Provider, fake: FakeProvider
) -> None:
    chat = await stage.open(CLERK, provider=vendor)
    await send(chat, file("a.pdf", encrypted(PDF)))
    sent = json.dumps(fake.requests[-1].json)
    assert "protected by a password" in sent
    assert base64.b64encode(encrypted(PDF)[:30]).decode() not in sent
    assert '"document"' not in sent


async def test_a_file_is_told_again_in_the_next_answer(
    stage: AgentStage, vendor: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("A cat."))
    chat = await stage.open(CLERK, provider=vendor)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "What is it?", actor=ANN, files=[file("cat.png", PNG)])
    await settled(chat, thread.id)
    await chat.send_message(thread.id, "What colour?", actor=ANN)
    await settled(chat, thread.id)
    assert base64.b64encode(PNG).decode() in json.dumps(fake.requests[-1].json)


async def test_a_file_larger_than_the_window_is_cut(stage: AgentStage) -> None:
    provider = ScriptedProvider("instant", replies=["ok"])
    provider.context_tokens, provider.max_output_tokens = 4_000, 400
    chat = await stage.open(CLERK, provider=provider)
    await send(chat, file("long.txt", b"word " * 40_000))
    [turn] = provider.requests[0].turns
    assert len(turn.files[0].text) < 8_000
    assert turn.text == "Look at this."

"""Files that commands write are whole, or as they were before."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from agentchat.cli.written import written
from agentchat.errors import InvalidInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is there already, in a folder with nothing else."""
    file = tmp_path / "thread.json"
    file.write_text("what was there", "utf-8")
    file.chmod(0o640)
    return file


def write(name: str, text: str, *, most: int | None = None) -> None:
    """Write a file, of at most so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with written(name) as to:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
        try:
            to.write(text)
            to.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_file_that_cannot_be_written_to_its_end_is_as_it_was(file: Path) -> None:
    with pytest.raises(InvalidInput, match=r"thread\.json cannot be written: File too large"):
        write(str(file), "x" * 100_000, most=4_096)

    assert file.read_text("utf-8") == "what was there"
    assert [*file.parent.iterdir()] == [file]


def test_it_is_as_it_was_while_it_is_written_and_when_what_writes_it_fails(file: Path) -> None:
    def fail() -> None:
        with written(str(file)) as to:
            to.write("half of")
            to.flush()
            assert file.read_text("utf-8") == "what was there"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert file.read_text("utf-8") == "what was there"
    assert [*file.parent.iterdir()] == [file]


def test_a_file_is_replaced_where_a_link_leads_and_keeps_its_mode(file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)

    write(str(link), "another")

    assert link.is_symlink()
    assert file.read_text("utf-8") == "another"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_is_said_in_words_and_a_device_is_not_replaced() -> None:
    with pytest.raises(InvalidInput, match="the disk is full"):
        write("/dev/full", "anything")

    assert Path("/dev/full").is_char_device()

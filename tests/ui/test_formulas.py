"""Where formulas are in what a model writes: by the code of the pages, in Node."""

from __future__ import annotations

import json
import resource
import subprocess
import sysconfig
from pathlib import Path

from agentchat.ui.build import COMPONENTS

NODE = Path(sysconfig.get_path("scripts"), "node")


def with_math(*texts: str) -> list[str]:
    """The texts as the parser is given them."""
    code = f"""
        import {{ withMath }} from {json.dumps((COMPONENTS / "formulas.js").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const texts = JSON.parse(readFileSync(0, "utf8"));
        process.stdout.write(JSON.stringify(texts.map((text) => withMath(text))));
    """
    done = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module", "--eval", code],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


FORMULAS = {
    "Euler: $e^{i\\pi} = -1$.": "Euler: $$ e^{i\\pi} = -1 $$.",
    "\\(a_1 * b_2\\) and \\(c\\)": "$$ a_1 * b_2 $$ and $$ c $$",
    "$a$-algebra, ($b$), **$c$**": "$$ a $$-algebra, ($$ b $$), **$$ c $$**",
    "\\[ \\sum_n n \\]": "$$$ \\sum_n n $$$",
    "In a line $$x^2$$ apart": "In a line $$$ x^2 $$$ apart",
    "$$\nx\n\n+ y\n$$\nafter": "$$\nx\n\n+ y\n$$\nafter",
    "> $$\n> x\n> $$": "> $$\n> x\n> $$",
    "$$\nx = 1$$": "$$$ x = 1 $$$",
    "It is $5 and pays $x$": "It is $5 and pays $$ x $$",
    "$2 x + 1$ and $3 \\sin x$": "$$ 2 x + 1 $$ and $$ 3 \\sin x $$",
    "`$a$` but $b$": "`$a$` but $$ b $$",
    "over\ntwo $a +\nb$ lines": "over\ntwo $$ a +\nb $$ lines",
}
TEXTS = (
    "It costs $5 and $6.",
    "Between $5-$6, ($5) vs ($6), **$5** or **$6**, $5/$6.",
    "It costs $6, or 8$ and $20,000 at most, as 3$.",
    "US$7, 8$ and US$ 9, 10 $ more.",
    "$HOME/bin:$PATH and $SHELL, ${name} and ${other}.",
    "``$x$ ` $y$`` and `\\(z\\)`",
    "A price of \\$5 and \\$6, and \\\\ too.",
    "    $x$ in an indented block",
    "```\n$x$ and $$y$$\n```",
    "~~~\n$x$\n~~~",
    "```\n$x$ in what is still open",
    "A $formula\n\nthat ends$ elsewhere",
    "\\(never closed, \\[neither",
    "$ x$ and $x $ and $$",
)


def test_formulas_are_found_however_they_are_written() -> None:
    assert dict(zip(FORMULAS, with_math(*FORMULAS), strict=True)) == FORMULAS


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text, found in zip(TEXTS, with_math(*TEXTS), strict=True):
        assert found.replace("\\$\\$", "$$") == text


def test_a_formula_that_is_not_closed_yet_is_not_taken_for_one() -> None:
    assert with_math("And then:\n\n$$\n\\frac{1}{2") == ["And then:\n\n\\$\\$\n\\frac{1}{2"]


PIECES = ("$", "$a", "\\(", "`", "$$\n", "\\[ x ", "$a ` ", "``$", "``` `` ", "\\( x\n\n")


def test_no_text_takes_long_to_look_through() -> None:
    """A text of marks that are never closed is gone through once, not once for each of them."""
    texts = [piece * (100_000 // len(piece)) for piece in PIECES]
    texts += [text[:-4] + "\n\n\\)\\]" for text in texts]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = with_math(*texts)
    assert min(map(len, found)) >= 99_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 10

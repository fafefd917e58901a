"""A calculator: expressions as people write them, calculated exactly and without ``eval``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

from agentchat.agents.tools import tool
from agentchat.errors import ToolError
from agentchat.tools.arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    CalculationError,
    Number,
    checked,
    power,
)

MOST_CHARACTERS = 1_000
_MOST_DECIMALS = 50
_MOST_DEPTH = 200
_MOST_EXPONENT = 1_000
# A % right behind a number, with no operand after it, is a percent sign.
_PERCENT = re.compile(
    r"((?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[-+]?\d+)?)%(?=\s*(?:$|[-+*/),]|of\b))", re.I
)
_SIGNS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "²": "**2", "³": "**3"}  # noqa: RUF001
)
_NUMBER = re.compile(r"(?P<digits>\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e(?P<exponent>[-+]?\d+))?", re.I)

_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: _exactly(left // right),
    ast.Mod: lambda left, right: left % right,
    ast.Pow: power,
}


def evaluate(expression: str) -> Number:
    """The value: a fraction where it is exact, else a float.

    Raises :class:`ToolError` for what is no expression, and for what would be too large.
    """
    if len(expression) > MOST_CHARACTERS:
        raise ToolError(f"The expression has more than {MOST_CHARACTERS:,} characters.")
    text = _PERCENT.sub(r"(\1/100)", expression.translate(_SIGNS).strip())
    text = re.sub(r"\bof\b", "*", text)
    if not text:
        raise ToolError("The expression is empty.")
    try:
        tree = ast.parse(text, mode="eval")
        return checked(_Walk(text).value(tree.body, 0))
    except CalculationError as error:
        raise ToolError(str(error)) from error
    except ZeroDivisionError as error:
        raise ToolError("That is a division by zero.") from error
    except OverflowError as error:
        raise ToolError("The result is too large.") from error
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ToolError(
            f"{expression[:100]!r} is not an expression that can be calculated."
            " Write it like 2 * (3 + 4.5) ** 2, with functions like sqrt(2)."
        ) from error


def written(number: Number) -> str:
    """The number for people: exact in full, or said to be ``about``."""
    if isinstance(number, float):
        return f"about {_plain(Decimal(f'{number:.15g}'))}"
    if number.denominator == 1:
        return str(number.numerator)
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    with localcontext(prec=_MOST_DECIMALS) as context:
        quotient = Decimal(number.numerator) / Decimal(number.denominator)
        # Decimal rounds without a word; only what it did not round is the whole number.
        if rest == 1 and Fraction(quotient) == number:
            return _plain(quotient)
        context.prec = 30
        about = _plain(+quotient)
    words = f"{number.numerator}/{number.denominator}"
    return f"{words} (about {about})" if len(words) <= 100 else f"about {about}"


@tool(read_only=True)
def calculate(expression: str) -> str:
    """Calculate an arithmetic expression exactly. Use it for every calculation.

    Operators are + - * / // % ** and parentheses; a % behind a number with no number after
    it is a percent sign, as in 15% of 80. Functions are abs, min, max, sum, mean, round
    (halves away from zero), floor, ceil, trunc, sqrt, cbrt, pow, exp, log, ln, log2, log10,
    sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, tanh, degrees, radians, hypot,
    factorial, comb, perm, gcd and lcm; angles are in radians. Constants are pi, e and tau.

    Args:
        expression: For example (1 + 0.19) * 249.99, or sqrt(2) / 3.
    """
    return written(evaluate(expression))


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, node: ast.expr, depth: int) -> Number:
        if depth > _MOST_DEPTH:
            raise CalculationError("The expression is nested too deeply.")
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                value = self.value(node.operand, depth + 1)
                return -value if isinstance(node.op, ast.USub) else value
            case ast.BinOp() if operator := _OPERATORS.get(type(node.op)):
                left = self.value(node.left, depth + 1)
                return checked(operator(left, self.value(node.right, depth + 1)))
            case ast.BinOp(op=ast.BitXor()):
                raise CalculationError("Write ** for powers, not ^.")
            case ast.Name():
                return self._constant(node.id)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._call(name, [self.value(one, depth + 1) for one in node.args])
            case ast.Tuple():
                raise CalculationError("Write numbers without commas: 1000000.")
        raise CalculationError(
            "Only numbers, + - * / // % **, parentheses and functions are known."
        )

    def _number(self, node: ast.Constant) -> Number:
        # From the text itself: Python would have made a float of it.
        source = ast.get_source_segment(self._text, node) or ""
        found = _NUMBER.fullmatch(source)
        if found is None:
            raise CalculationError(f"{source[:50]!r} is not a number that is known here.")
        exponent = int((found["exponent"] or "0")[:20])
        if abs(exponent) > _MOST_EXPONENT:
            raise CalculationError("That number is too large or too small.")
        digits = found["digits"].replace("_", "")
        return Fraction(f"{digits.rstrip('.')}e{exponent}")

    def _constant(self, name: str) -> Number:
        if name not in CONSTANTS:
            raise CalculationError(f"{name[:50]!r} is not known. Constants are pi, e and tau.")
        return CONSTANTS[name]

    def _call(self, name: str, numbers: list[Number]) -> Number:
        function = FUNCTIONS.get(name)
        if function is None:
            raise CalculationError(
                f"There is no function {name[:50]!r}. There are {', '.join(FUNCTIONS)}."
            )
        try:
            return checked(function(*numbers))
        except TypeError as error:
            raise CalculationError(f"{name} does not take {len(numbers)} numbers.") from error
        except ValueError as error:
            raise CalculationError(f"{name} has no value there.") from error


def _exactly(number: Number) -> Number:
    return Fraction(number) if number == int(number) else number


def _plain(number: Decimal) -> str:
    text = f"{number:f}" if -8 < number.adjusted() < 30 else f"{number:e}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text

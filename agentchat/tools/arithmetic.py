"""The functions of the calculator: exact where that is possible, and of bounded cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

Number = Fraction | float
"""A fraction is exact; a float has about 15 correct digits."""

MOST_BITS = 10_000
"""The largest exact number has about 3,000 digits."""
_MOST_FACTORIAL = 1_000
_MOST_CHOOSE = 5_000


class CalculationError(Exception):
    """That cannot be calculated; the words say why."""


def exact(number: Number) -> Fraction:
    """The number as a fraction; a float by its shortest decimal form."""
    if isinstance(number, Fraction):
        return number
    return Fraction(repr(checked(number)))


def checked(number: Number) -> Number:
    """The number itself, unless it is too large or not a number at all."""
    if isinstance(number, float):
        if not math.isfinite(number):
            raise CalculationError("The result is too large, or not a number.")
    elif max(number.numerator.bit_length(), number.denominator.bit_length()) > MOST_BITS:
        raise CalculationError("The result has more than 3,000 digits; that is too large.")
    return number


def power(base: Number, exponent: Number) -> Number:
    """``base ** exponent``, refused before it is calculated when it would be too large."""
    if base == 0 and exponent < 0:
        raise CalculationError("Zero has no negative power: that would be a division by zero.")
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        whole = exponent.numerator
        if isinstance(base, Fraction):
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(base) != 1 and base and (size - 1) * abs(whole) > MOST_BITS:
                raise CalculationError("That power has more than 3,000 digits; it is too large.")
            if abs(base) == 1:
                whole %= 2
            return base**whole
        return math.pow(base, whole)
    if exponent == Fraction(1, 2):
        return square_root(base)
    if base < 0:
        raise CalculationError("A negative number has no real power with a fraction.")
    return math.pow(base, exponent)


def square_root(number: Number) -> Number:
    """Exact for squares of fractions."""
    if number < 0:
        raise CalculationError("A negative number has no real square root.")
    if isinstance(number, Fraction):
        top, bottom = math.isqrt(number.numerator), math.isqrt(number.denominator)
        if top * top == number.numerator and bottom * bottom == number.denominator:
            return Fraction(top, bottom)
    return math.sqrt(number)


def rounded(number: Number, digits: Number = Fraction(0)) -> Number:
    """To so many decimals, halves away from zero, as people do."""
    places = _whole(digits, "The number of decimals")
    if abs(places) > 1000:
        raise CalculationError("At most 1,000 decimals can be rounded to.")
    scale = Fraction(10) ** places
    scaled = abs(exact(number)) * scale
    return Fraction(math.floor(scaled + Fraction(1, 2))) / scale * (-1 if number < 0 else 1)


def _whole(number: Number, what: str) -> int:
    fraction = exact(number)
    if fraction.denominator != 1:
        raise CalculationError(f"{what} must be a whole number.")
    return fraction.numerator


def _factorial(number: Number) -> Number:
    whole = _whole(number, "What a factorial is taken of")
    if not 0 <= whole <= _MOST_FACTORIAL:
        raise CalculationError(f"Factorials are calculated from 0 to {_MOST_FACTORIAL:,}.")
    return Fraction(math.factorial(whole))


def _choose(function: Callable[[int, int], int]) -> Callable[[Number, Number], Number]:
    def choose(of: Number, taken: Number) -> Number:
        whole, part = _whole(of, "The first number"), _whole(taken, "The second number")
        if not (0 <= whole <= _MOST_CHOOSE and 0 <= part <= _MOST_CHOOSE):
            raise CalculationError(f"Both numbers must be from 0 to {_MOST_CHOOSE:,}.")
        return Fraction(function(whole, part))

    return choose


def _whole_of(function: Callable[..., int], what: str) -> Callable[..., Number]:
    return lambda *numbers: Fraction(function(*(_whole(one, what) for one in numbers)))


def _log(number: Number, base: Number | None = None) -> Number:
    value, of_base = _positive(number), None if base is None else _positive(base)
    if of_base is None:
        return _logarithm(value)
    if of_base == 1:
        raise CalculationError("The base of a logarithm cannot be 1.")
    for simple, function in ((2, math.log2), (10, math.log10)):
        if of_base == simple and (isinstance(value, float) or value.denominator == 1):
            return function(value if isinstance(value, float) else value.numerator)
    return _logarithm(value) / _logarithm(of_base)


def _logarithm(number: Number) -> float:
    try:
        return math.log(float(number))
    except (OverflowError, ValueError):
        # A fraction that no float can hold.
        fraction = exact(number)
        return math.log(fraction.numerator) - math.log(fraction.denominator)


def _positive(number: Number) -> Number:
    if number <= 0:
        raise CalculationError("Only a positive number has a logarithm.")
    return number


def _real(function: Callable[..., float]) -> Callable[..., Number]:
    return lambda *numbers: function(*map(float, numbers))


FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs,
    "min": lambda first, *rest: min((first, *rest)),
    "max": lambda first, *rest: max((first, *rest)),
    "sum": lambda *numbers: sum(numbers, Fraction(0)),
    "mean": lambda first, *rest: sum(rest, first) / (1 + len(rest)),
    "round": rounded,
    "floor": lambda number: Fraction(math.floor(number)),
    "ceil": lambda number: Fraction(math.ceil(number)),
    "trunc": lambda number: Fraction(math.trunc(number)),
    "sqrt": square_root,
    "pow": power,
    "factorial": _factorial,
    "comb": _choose(math.comb),
    "perm": _choose(math.perm),
    "gcd": _whole_of(math.gcd, "What a common divisor is taken of"),
    "lcm": _whole_of(math.lcm, "What a common multiple is taken of"),
    "log": _log,
    "ln": lambda number: _log(number),
    "log2": lambda number: _log(number, Fraction(2)),
    "log10": lambda number: _log(number, Fraction(10)),
    **{
        name: _real(getattr(math, name))
        for name in (
            *("exp", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
            *("sinh", "cosh", "tanh", "degrees", "radians", "hypot", "cbrt"),
        )
    },
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}

"""What a typed function becomes as a tool, and what a model is told of it."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import BaseModel, Field

from agentchat.agents.tools import (
    MOST_CHARACTERS,
    Source,
    Tool,
    ToolContext,
    ToolOutput,
    output_of,
    tool,
)
from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.errors import InvalidInput, ToolError
from agentchat.store.writer import Tx
from agentchat.views import LOCAL


class Unit(StrEnum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Place(BaseModel):
    """Somewhere."""

    city: str
    zone: int = 0


@tool
def forecast(
    place: Place,
    day: date,
    unit: Unit = Unit.CELSIUS,
    kind: Literal["short", "long"] = "short",
    note: str | None = None,
    most: Annotated[int, Field(ge=1, description="How many at most.")] = 3,
) -> str:
    """Tell the weather.

    For one day only.

    Args:
        place: Where.
        day: When.
    """
    return f"{place.city} {day.isoformat()} {unit.value} {kind} {note} {most}"


def context() -> ToolContext:
    run = cast(Context, SimpleNamespace(run_id="run", tries=2))
    return ToolContext(LOCAL, "thread", "message", "agent", 4, run)


async def called(one: Tool, **arguments: Any) -> ToolOutput:
    output: ToolOutput = await one.call(context(), one.check(arguments))
    return output


# What a model is told


def test_a_tool_has_the_name_and_the_docstring_of_its_function() -> None:
    assert forecast.name == "forecast"
    assert forecast.description == "Tell the weather.\n\nFor one day only."


def test_the_schema_has_types_choices_defaults_and_what_the_docstring_says() -> None:
    schema = forecast.schema
    properties = schema["properties"]
    assert schema["type"] == "object"
    assert schema["required"] == ["place", "day"]
    assert schema["additionalProperties"] is False
    assert properties["place"]["description"] == "Where."
    assert properties["day"] == {"type": "string", "format": "date", "description": "When."}
    assert properties["kind"] == {"type": "string", "enum": ["short", "long"], "default": "short"}
    assert properties["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert properties["unit"]["default"] == "celsius"
    assert schema["$defs"]["Unit"]["enum"] == ["celsius", "kelvin"]
    assert schema["$defs"]["Place"]["required"] == ["city"]


def test_a_description_in_an_annotation_is_kept() -> None:
    most = forecast.schema["properties"]["most"]
    assert (most["description"], most["minimum"]) == ("How many at most.", 1)


def test_the_docstring_goes_before_the_annotation() -> None:
    @tool
    def both(a: Annotated[int, Field(description="old")]) -> int:
        """Do.

        Args:
            a: new
        """
        return a

    assert both.schema["properties"]["a"]["description"] == "new"


def test_a_tool_without_arguments_has_an_object_without_properties() -> None:
    @tool
    def nothing() -> str:
        return ""

    assert nothing.schema["type"] == "object"
    assert nothing.schema["properties"] == {}
    assert nothing.check({}) == {}


def test_name_and_description_can_be_given() -> None:
    @tool(name="other", description="Words.")
    def nothing() -> str:
        """Not these."""
        return ""

    assert (nothing.name, nothing.description) == ("other", "Words.")
    assert (nothing.spec.name, nothing.spec.description) == ("other", "Words.")
    assert nothing.spec.schema is nothing.schema


def test_what_the_app_gives_is_not_in_the_schema() -> None:
    @tool
    def written(tx: Tx, context: ToolContext, text: str) -> str:
        return text

    @tool
    async def lasting(ctx: Context, context: ToolContext, text: str) -> str:
        return text

    for one in (written, lasting):
        assert list(one.schema["properties"]) == ["text"]
        with pytest.raises(InvalidInput, match="context: Extra inputs"):
            one.check({"text": "a", "context": {}})


@pytest.mark.parametrize("name", ["schema", "json", "copy"])
def test_an_argument_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def one({name}: str) -> str:\n    return {name}", scope)
    made = tool(scope["one"])
    assert made.check({name: "a"}) == {name: "a"}
    assert list(made.schema["properties"]) == [name]


# Arguments


async def test_arguments_reach_the_function_in_its_own_types() -> None:
    output = await called(
        forecast, place={"city": "Bonn"}, day="2026-01-02", unit="kelvin", kind="long"
    )
    assert output.text == "Bonn 2026-01-02 kelvin long None 3"


def test_checked_arguments_are_json_with_the_defaults_filled_in() -> None:
    checked = forecast.check({"place": {"city": "Bonn"}, "day": "2026-01-02"})
    assert checked == {
        "place": {"city": "Bonn", "zone": 0},
        "day": "2026-01-02",
        "unit": "celsius",
        "kind": "short",
        "note": None,
        "most": 3,
    }


GOOD: dict[str, Any] = {"place": {"city": "Bonn"}, "day": "2026-01-02"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"day": "2026-01-02"}, "place: Field required"),
        (GOOD | {"place": {}}, r"place\.city: Field required"),
        (GOOD | {"day": "soon"}, "day: Input should be a valid date"),
        (GOOD | {"unit": "miles"}, "unit: Input should be 'celsius' or 'kelvin'"),
        (GOOD | {"kind": "wide"}, "kind: Input should be 'short' or 'long'"),
        (GOOD | {"most": 0}, "most: Input should be greater than or equal to 1"),
        (GOOD | {"more": 1}, "more: Extra inputs are not permitted"),
        ([], "should be an object"),
        (None, "should be an object"),
        ("{}", "should be an object"),
        (object(), "Unable to serialize"),
        (GOOD | {"note": "\ud800"}, "fit"),
    ],
)
def test_wrong_arguments_are_refused_in_words(arguments: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        forecast.check(arguments)
    assert str(refused.value).startswith("The arguments do not fit: ")


def test_functions_without_names_for_all_arguments_are_refused() -> None:
    def many(*words: str) -> None: ...

    def named(**words: str) -> None: ...

    def placed(word: str, /) -> None: ...

    for wrong in (many, named, placed):
        with pytest.raises(TypeError, match="a model needs named arguments"):
            tool(wrong)


# Approval


def asks(answer: Any) -> Tool:
    def predicate(amount: int) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    @tool(approval=predicate)
    def pay(amount: int) -> str:
        return "paid"

    return pay


def test_approval_is_a_rule_or_a_predicate_of_the_arguments() -> None:
    @tool(approval=lambda amount: amount > 100)
    def pay(amount: int) -> str:
        return "paid"

    assert not pay.needs_approval({"amount": 100})
    assert pay.needs_approval({"amount": 101})
    assert not forecast.needs_approval({})
    assert forecast.with_approval().needs_approval({})
    assert not pay.with_approval(False).needs_approval({"amount": 101})


@pytest.mark.parametrize("answer", [None, 0, "", [], "no", ValueError("broken")], ids=repr)
def test_a_predicate_that_does_not_clearly_say_no_means_approval(answer: Any) -> None:
    assert asks(answer).needs_approval({"amount": 1})


@pytest.mark.parametrize("rule", [None, 0, "", "never"], ids=repr)
def test_a_rule_that_is_none_means_approval(rule: Any) -> None:
    assert forecast.with_approval(rule).needs_approval({})


def test_a_predicate_that_does_not_know_the_arguments_means_approval() -> None:
    assert asks(False).needs_approval({"sum": 1})
    assert not asks(False).needs_approval({"amount": 1})


# Carrying out


async def test_a_plain_function_runs_in_a_thread_and_an_async_one_does_not() -> None:
    @tool
    def plain() -> bool:
        return threading.current_thread() is threading.main_thread()

    @tool
    async def waiting() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert (await called(plain)).text == "false"
    assert (await called(waiting)).text == "true"


async def test_the_context_tells_for_whom_a_tool_is_called() -> None:
    @tool
    def who(context: ToolContext, greeting: str) -> str:
        return f"{greeting} {context.actor.name} {context.idempotency_key} {context.tries}"

    assert (await called(who, greeting="hello")).text == "hello you run:4 2"


async def test_only_a_durable_tool_can_ask() -> None:
    @tool
    async def curious(context: ToolContext) -> str:
        return str(await context.ask_person("Why?"))

    with pytest.raises(InvalidInput, match="Only a durable tool"):
        await called(curious)


def test_a_function_that_takes_a_transaction_is_one() -> None:
    given = cast(Tx, object())

    @tool
    def write(tx: Tx, context: ToolContext, text: str) -> str:
        return f"{tx is given} {context.part} {text}"

    assert write.kind == "transaction"
    assert write.call(given, context(), write.check({"text": "a"})).text == "True 4 a"


async def test_a_function_that_takes_the_runs_context_is_durable() -> None:
    @tool
    async def last(ctx: Context, text: str) -> str:
        return f"{ctx.run_id} {text}"

    assert last.kind == "durable"
    assert (await called(last, text="a")).text == "run a"
    assert forecast.kind == "action"


def test_functions_that_could_not_keep_the_promise_are_refused() -> None:
    async def waiting(tx: Tx) -> None: ...

    def both(tx: Tx, ctx: Context) -> None: ...

    def hasty(ctx: Context) -> None: ...

    for wrong in (waiting, both):
        with pytest.raises(TypeError, match="is a transaction, so it cannot wait"):
            tool(wrong)
    with pytest.raises(TypeError, match="so it must be async"):
        tool(hasty)


async def test_the_words_of_a_tool_error_come_through() -> None:
    @tool
    def refuse() -> str:
        raise ToolError("Try a smaller number.")

    with pytest.raises(ToolError, match="Try a smaller number"):
        await called(refuse)


def test_a_try_may_take_as_long_as_the_tool_says_unless_its_policy_does() -> None:
    policy = RetryPolicy(attempts=2, timeout=timedelta(seconds=1))
    for options, expected in (
        ({}, timedelta(minutes=1)),
        ({"timeout": timedelta(hours=1)}, timedelta(hours=1)),
        ({"timeout": None}, None),
        ({"retry": policy}, timedelta(seconds=1)),
    ):
        made: Tool = tool(**cast(Any, options))(lambda: None)
        assert made.policy.timeout == expected
    assert made.policy.attempts == 2


# Results


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("words", "words"),
        (None, "null"),
        (3, "3"),
        ({"a": [1, date(2026, 1, 2)]}, '{\n "a": [\n  1,\n  "2026-01-02"\n ]\n}'),
        (Place(city="Bonn"), '{\n "city": "Bonn",\n "zone": 0\n}'),
        (Unit.KELVIN, "kelvin"),
        ("a\x00b", "ab"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
    ],
    ids=repr,
)
def test_a_result_is_told_as_a_text_or_as_json(value: Any, text: str) -> None:
    assert output_of(value) == ToolOutput(text)


def test_sources_are_kept_beside_the_text() -> None:
    output = ToolOutput("found", (Source("a", "https://example.org"),), failed=True)
    assert output_of(output) == output


def test_a_long_result_is_cut_and_the_model_is_told_how_much() -> None:
    text = output_of("x" * (MOST_CHARACTERS + 1_234)).text
    assert text == "x" * MOST_CHARACTERS + "\n[1,234 more characters are not shown]"
    assert output_of("x" * MOST_CHARACTERS).text == "x" * MOST_CHARACTERS
    listed = output_of(ToolOutput("x" * (MOST_CHARACTERS + 1), (Source("a"),)))
    assert listed.text.endswith("[1 more characters are not shown]")
    assert listed.sources == (Source("a"),)


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    "value", [object(), {"a": threading.Lock()}, _circle(), b"\xff", ["\ud800"]], ids=type
)
def test_a_result_that_is_not_json_is_told_as_such(value: Any) -> None:
    with pytest.raises(InvalidInput, match="The result cannot be told as JSON"):
        output_of(value)

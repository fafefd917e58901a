"""What must hold of a database after processes died over it, against what they witnessed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentchat.models import RunStatus, StepKind, StepStatus, step_key
from tests.durability import program
from tests.durability.processes import Tables

Place = tuple[str, str]
"""A step: the id of its run, and its key."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of the witness."""

    moment: int
    pid: int
    what: str
    run_id: str
    attempt: int
    tries: int
    key: str

    @property
    def place(self) -> Place:
        return self.run_id, self.key


def read(file: Path) -> list[Seen]:
    """The witness, in the order in which it was written."""
    return [
        Seen(int(moment), int(pid), what, run_id, int(attempt), int(tries), key)
        for moment, pid, what, run_id, attempt, tries, key in program.lines(file)
    ]


def text(file: str) -> str:
    """All that a file holds."""
    return Path(file).read_text()


def check(
    tables: Tables,
    seen: list[Seen],
    killed: Mapping[int, int],
    *,
    interrupted: Set[tuple[str, str, int, int]] = frozenset(),
) -> None:
    """All that holds whatever happened. ``killed`` says when each process was killed,
    ``interrupted`` which tries were written down as under way when it was: run, step,
    attempt and try.
    """
    runs = {row["id"]: row for row in tables.all("workflows")}
    steps = {(row["run_id"], _key(row)): row for row in tables.all("steps")}
    bad = {run["id"]: (run["status"], run["error"]) for run in runs.values() if not _done(run)}
    assert not bad, f"runs that did not end done: {bad}"
    _rows_once(tables, steps)
    _never_again(seen, steps, runs)
    _one_at_a_time(seen, killed)
    _attempts(tables, seen, runs, steps, interrupted)
    _logs(tables, seen, runs, steps)
    _spending(runs, steps)
    for run in runs.values():
        _result(run, steps)


def check_rows(tables: Tables, seen: list[Seen]) -> None:
    """What holds of the rows even where processes were frozen, who do not know that they are
    late until they write.
    """
    runs = {row["id"]: row for row in tables.all("workflows")}
    steps = {(row["run_id"], _key(row)): row for row in tables.all("steps")}
    bad = {run["id"]: (run["status"], run["error"]) for run in runs.values() if not _done(run)}
    assert not bad, f"runs that did not end done: {bad}"
    _rows_once(tables, steps)
    _never_again(seen, steps, runs)
    _attempts(tables, seen, runs, steps, set())
    _logs(tables, seen, runs, steps)
    _spending(runs, steps)
    for run in runs.values():
        _result(run, steps)


def _key(row: Mapping[str, Any]) -> str:
    return step_key(row["branch"], row["name"], row["occurrence"])


def _done(run: Mapping[str, Any]) -> bool:
    cancelled = run["status"] == RunStatus.STOPPED and run["stopped_by"]
    return run["status"] == RunStatus.DONE or bool(cancelled)


def _rows_once(tables: Tables, steps: Mapping[Place, Mapping[str, Any]]) -> None:
    """The rows of a transaction step are there once if its journal row is, else not at all."""
    rows = Counter(row["title"] for row in tables.all("threads"))
    marks = {
        f"{run_id}:{key}"
        for (run_id, key), step in steps.items()
        if step["kind"] == StepKind.TRANSACTION
        and step["status"] == StepStatus.DONE
        and step["name"] in ("mark", "two", "goal", "last")
    }
    assert rows == Counter(dict.fromkeys(marks, 2)), (
        f"too few or too many: {Counter(dict.fromkeys(marks, 2)) - rows}"
        f" {rows - Counter(dict.fromkeys(marks, 2))}"
    )


def _never_again(
    seen: list[Seen],
    steps: Mapping[Place, Mapping[str, Any]],
    runs: Mapping[str, Mapping[str, Any]],
) -> None:
    """Nothing begins after its result is in the journal: the try that came to it was the last."""
    begun: dict[Place, list[tuple[int, int]]] = defaultdict(list)
    for line in seen:
        if line.what == "begin":
            begun[line.place].append((line.attempt, line.tries))
    for place, step in steps.items():
        if step["kind"] != StepKind.STEP or step["status"] not in (
            StepStatus.DONE,
            StepStatus.FAILED,
        ):
            continue
        won = (step["attempt"], step["tries"])
        tries = begun.pop(place)
        assert won in tries, f"{place} is done by {won}, which nobody has seen: {tries}"
        assert max(tries) == won, f"{place} was begun after it was done by {won}: {tries}"
    for place, tries in begun.items():
        lost = place not in steps or steps[place]["status"] == StepStatus.DROPPED
        raced = runs[place[0]]["status"] == RunStatus.STOPPED or "race" in place[1]
        right = lost and raced
        assert right, f"{place} was begun, and is not in the journal: {tries}"


def _one_at_a_time(seen: list[Seen], killed: Mapping[int, int]) -> None:
    """No two processes are inside one run at once, nor is a try of a step begun twice."""
    twice = Counter((line.place, line.attempt, line.tries) for line in seen if line.what == "begin")
    assert not [one for one, times in twice.items() if times > 1], twice.most_common(3)
    spans: dict[str, list[tuple[int, int, int, Seen]]] = defaultdict(list)
    open_: dict[tuple[Place, int, int], Seen] = {}
    deaths = {**killed, **{line.pid: line.moment for line in seen if line.what == program.DIES}}
    for line in seen:
        if line.what == program.DIES:
            continue
        at = (line.place, line.attempt, line.tries)
        if line.what == "begin":
            open_[at] = line
        else:
            first = open_.pop(at)
            spans[line.run_id].append((first.moment, line.moment, first.pid, first))
    for line in open_.values():
        # The loser of a race, or of a lease, is cut off without a word.
        end = deaths.get(line.pid, line.moment)
        spans[line.run_id].append((line.moment, end, line.pid, line))
    for found in spans.values():
        found.sort(key=lambda span: span[0])
        latest: tuple[int, int, int, Seen] | None = None
        for span in found:
            if latest is not None and span[0] < latest[1] and span[2] != latest[2]:
                raise AssertionError(f"at the same time: {latest[3]} and {span[3]}")
            if latest is None or span[1] > latest[1]:
                latest = span


def _attempts(
    tables: Tables,
    seen: list[Seen],
    runs: Mapping[str, Mapping[str, Any]],
    steps: Mapping[Place, Mapping[str, Any]],
    interrupted: Set[tuple[str, str, int, int]],
) -> None:
    """Each try that failed or was interrupted is told of once, and none that is not."""
    rows = tables.all("attempts")
    told = Counter((row["run_id"], _key(row), row["attempt"], row["tries"]) for row in rows)
    doubled = {one: times for one, times in told.items() if times > 1}
    assert not doubled, f"tries that are told of more than once: {doubled}"
    begun = {(*line.place, line.attempt, line.tries) for line in seen if line.what == "begin"}
    unseen = set(told) - begun
    assert not unseen, f"tries that nobody has seen: {unseen}"
    missing = {
        one
        for one in interrupted - set(told)
        if steps.get((one[0], one[1]), {}).get("status") == StepStatus.DONE
    }
    # A try that was written down a moment after, and then went on, is in the step's own row.
    missing = {
        one
        for one in missing
        if (steps[one[0], one[1]]["attempt"], steps[one[0], one[1]]["tries"]) != one[2:]
    }
    assert not missing, f"interrupted tries that nothing tells of: {missing}"
    failed = Counter(
        (row["run_id"], _key(row)) for row in rows if row["error_kind"] != "interrupted"
    )
    wanted = Counter(
        {(run["id"], "stubborn"): 2 for run in runs.values() if run["workflow"] == "whole"}
    )
    assert failed == wanted, f"{failed - wanted} {wanted - failed}"


def _logs(
    tables: Tables,
    seen: list[Seen],
    runs: Mapping[str, Mapping[str, Any]],
    steps: Mapping[Place, Mapping[str, Any]],
) -> None:
    """What runs say between steps is there once, and in order; within steps, once a try."""
    rows = tables.all("logs")
    texts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if not row["step"]:
            texts[row["run_id"]].append(row["text"])
    branches = [f"branch {number}" for number in range(4)]
    wanted = {
        "whole": [
            "begins",
            *branches,
            *(f"{one} goes on" for one in branches),
            "ends",
            "is refused",
        ],
        "part": ["part begins"],
    }
    for run in runs.values():
        if run["status"] == RunStatus.DONE:
            expected = wanted.get(run["workflow"], [])
            assert sorted(texts[run["id"]]) == sorted(expected), run["id"]
    inside = Counter(
        (row["run_id"], row["step"], row["attempt"], row["text"]) for row in rows if row["step"]
    )
    doubled = {one: times for one, times in inside.items() if times > 1}
    assert not doubled, f"lines within steps that are doubled: {doubled}"
    begun = {
        (line.run_id, line.key, line.attempt, f"try {line.tries}")
        for line in seen
        if line.what == "begin"
    }
    assert set(inside) <= begun
    done = {
        (*place, step["attempt"], f"try {step['tries']}")
        for place, step in steps.items()
        if step["kind"] == StepKind.STEP and step["status"] == StepStatus.DONE
    }
    lost = {one for one in done - set(inside) if runs[one[0]]["workflow"] != "deaf"}
    assert not lost, f"steps that are done, and what they said is not there: {lost}"


def _spending(
    runs: Mapping[str, Mapping[str, Any]], steps: Mapping[Place, Mapping[str, Any]]
) -> None:
    """What a run has spent is what its steps have."""
    spent = Counter(dict.fromkeys(runs, 0))
    for (run_id, _), step in steps.items():
        spent[run_id] += step["input_tokens"] or 0
    wrong = {
        run_id: (run["input_tokens"], spent[run_id])
        for run_id, run in runs.items()
        if run["input_tokens"] != spent[run_id]
    }
    assert not wrong, f"spent by the run, and by its steps: {wrong}"


def _result(run: Mapping[str, Any], steps: Mapping[Place, Mapping[str, Any]]) -> None:
    """The result is that of an undisturbed run, given what the journal says of chance."""
    if run["workflow"] != "whole":
        return
    run_id = run["id"]
    result = run["result"]

    def of(key: str) -> Any:
        return steps[run_id, key]["result"]

    assert result["random"] == of("random")
    assert result["uuid"] == of("uuid")
    assert result["now"] == of("now").replace("Z", "+00:00")
    assert result["winner"] == of("race")
    assert result["refused"] == f"no {result['values'][-1]}"
    value, went = run["data"]["value"], of("go")["payload"]
    assert result["values"] == program.right_values(value, result["winner"], went)

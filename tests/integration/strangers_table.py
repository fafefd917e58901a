"""Who may do what with what is Ann's: a row for each verb, or more than one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from agentchat import Context, Every, workflow
from agentchat.errors import InvalidInput, NotAllowed, NotFound, WrongState
from tests.integration.people_stage import ADA, ANN, BOB, NOBODY, SAM, SECRET, VERA
from tests.integration.strangers_world import World

ROLES = {
    "nobody": NOBODY,
    "stranger": SAM,
    "viewer": VERA,
    "member": BOB,
    "owner": ANN,
    "admin": ADA,
}

OK, NOTHING = "ok", "nothing"
"""Allowed; and allowed, but without any effect, and told as little as of what never was."""
Expected = dict[str, Any]


def _of(nobody: Any, stranger: Any, viewer: Any, member: Any, owner: Any, admin: Any) -> Expected:
    return dict(zip(ROLES, (nobody, stranger, viewer, member, owner, admin), strict=True))


READ = _of(NotAllowed, NotFound, OK, OK, OK, OK)
WRITE = _of(NotAllowed, NotFound, NotAllowed, OK, OK, OK)
OWN = _of(NotAllowed, NotFound, NotAllowed, NotAllowed, OK, OK)
PERSON = _of(NotAllowed, OK, OK, OK, OK, OK)
"""Each for themselves: what they are shown is their own."""
OPERATOR = _of(NotAllowed, NotAllowed, NotAllowed, NotAllowed, NotAllowed, OK)
MACHINE = _of(NotAllowed, NotAllowed, NotAllowed, NotAllowed, NotAllowed, NotAllowed)
"""Only whoever has the machine, on the command line."""
ANNS_OWN = _of(NotAllowed, NotFound, NotFound, NotFound, OK, OK)
ONLY_ANNS = _of(NotAllowed, NotFound, NotFound, NotFound, OK, NotFound)
ABOUT_ANN = _of(NotAllowed, NotFound, NotFound, NotFound, OK, NotAllowed)
"""What a run was told that is about what Ann said."""
ABOUT_ANN_HEAD = _of(NotAllowed, NOTHING, NOTHING, NOTHING, OK, NotAllowed)
SAID_BY_ANN = _of(NotAllowed, NotFound, NotAllowed, NotAllowed, OK, NotAllowed)
"""What only who said something does with it, and writers only."""
NEXT_OF_ANN = SAID_BY_ANN | {"owner": WrongState}
"""There is no answer that it could join: it is the next."""
LEAVE = _of(NotAllowed, NotFound, OK, OK, WrongState, OK)
SUMS = READ | {"stranger": NOTHING}
ANNS_SUMS = ANNS_OWN | {"stranger": NOTHING, "viewer": NOTHING, "member": NOTHING}
FOR_ANN = _of(NotAllowed, NOTHING, NOTHING, NOTHING, OK, NOTHING)


@dataclass(frozen=True)
class Row:
    """What happens when a verb is called, on an app in the hands of one of the six."""

    expected: Expected
    call: Callable[[Any, World], Any]


@workflow
async def errand(ctx: Context) -> str:
    return ctx.started_by


DAILY = Every(timedelta(days=1))


def nothing(_session: object) -> None:
    """A query of somebody's own."""


IMPORTED = b"""[{"name": "Birds", "chat_messages": [{"sender": "human", "text": "Hi"}]}]"""


async def whole(pieces: AsyncGenerator[str, None]) -> str:
    """All that a generator yields."""
    return "".join([piece async for piece in pieces])


Detail = Callable[[Any, str], Any]

DETAILS: Final[dict[str, Detail]] = {
    "exported": lambda d, run: whole(d.exported(run)),
    "follow_audits": lambda d, run: d.follow_audits(run),
    "follow_events": lambda d, run: d.follow_events(run),
    "follow_logs": lambda d, run: d.follow_logs(run),
    "follow_step": lambda d, run: d.follow_step(run, "look"),
    "follow_strip": lambda d, run: d.follow_strip(run),
    "follow_timeline": lambda d, run: d.follow_timeline(run),
    "follow_values": lambda d, run: d.follow_values(run),
    "head": lambda d, run: d.head(run),
    "raw": lambda d, run: d.raw(run),
    "step": lambda d, run: d.step(run, "look"),
    "strip": lambda d, run: d.strip(run),
    "timeline": lambda d, run: d.timeline(run),
    "whole": lambda d, run: d.whole(run, "result"),
}
"""What is shown of one run."""


def _of_a_run(call: Detail) -> tuple[Row, ...]:
    """Of one of a thread, of one that is Ann's alone, and of one about what she said."""
    return (
        Row(READ, lambda c, w: call(c.operations.details, w.run)),
        Row(ANNS_OWN, lambda c, w: call(c.operations.details, w.errand)),
        Row(ABOUT_ANN, lambda c, w: call(c.operations.details, w.remembering)),
    )


def _with_upload(chat: Any, world: World) -> Any:
    """Say something with a file that Ann has uploaded: for nobody else is it there."""
    return chat.send_message(world.thread, "hello", uploads=[world.upload])


TABLE: Final[dict[str, tuple[Row, ...]]] = {
    # The app itself
    "archive_thread": (Row(READ, lambda c, w: c.archive_thread(w.thread)),),
    "empty_thread": (Row(ANNS_OWN, lambda c, w: c.empty_thread(w.deleted)),),
    "follow_deleted": (Row(PERSON, lambda c, w: c.follow_deleted()),),
    "move_thread": (Row(READ, lambda c, w: c.move_thread(w.thread, "A folder")),),
    "pin_thread": (Row(READ, lambda c, w: c.pin_thread(w.thread)),),
    "read_thread": (
        Row(READ, lambda c, w: c.read_thread(w.thread)),
        Row(READ, lambda c, w: c.read_thread(w.thread, False)),
    ),
    "restore_thread": (Row(ANNS_OWN, lambda c, w: c.restore_thread(w.deleted)),),
    "agents": (Row(PERSON, lambda c, w: c.agents()),),
    "choose_model": (Row(WRITE, lambda c, w: c.choose_model(w.thread, "")),),
    "choose_agent": (Row(WRITE, lambda c, w: c.choose_agent(w.thread, "")),),
    "choose_second_message": (Row(WRITE, lambda c, w: c.choose_second_message(w.thread, "steer")),),
    "collect": (Row(ONLY_ANNS, lambda c, w: c.collect(w.returned)),),
    "create_thread": (Row(PERSON, lambda c, w: c.create_thread("New")),),
    "delete_thread": (Row(OWN, lambda c, w: c.delete_thread(w.thread)),),
    "follow": (
        Row(READ, lambda c, w: c.follow(w.thread)),
        # In which an agent works for it.
        Row(READ, lambda c, w: c.follow(w.sub)),
    ),
    "follow_model": (Row(PERSON, lambda c, w: c.follow_model()),),
    "continue_answer": (Row(WRITE, lambda c, w: c.continue_answer(w.answer)),),
    "edit_waiting": (Row(SAID_BY_ANN, lambda c, w: c.edit_waiting(w.queued, "hello")),),
    "follow_waiting": (
        Row(READ, lambda c, w: c.follow_waiting(w.thread)),
        Row(READ, lambda c, w: c.follow_waiting(w.line)),
    ),
    "models": (Row(PERSON, lambda c, w: c.models()),),
    "send_now": (Row(NEXT_OF_ANN, lambda c, w: c.send_now(w.queued)),),
    "take_back": (Row(OWN, lambda c, w: c.take_back(w.queued)),),
    "edit_message": (Row(SAID_BY_ANN, lambda c, w: c.edit_message(w.said, "hello")),),
    "export_thread": (
        Row(READ, lambda c, w: whole(c.export_thread(w.thread))),
        Row(READ, lambda c, w: whole(c.export_thread(w.thread, "markdown"))),
    ),
    "exported_ratings": (Row(OPERATOR, lambda c, w: whole(c.exported_ratings())),),
    "follow_ratings": (Row(READ, lambda c, w: c.follow_ratings(w.thread)),),
    "fork_thread": (Row(READ, lambda c, w: c.fork_thread(w.said)),),
    "import_threads": (Row(PERSON, lambda c, w: c.import_threads(IMPORTED)),),
    "place_of": (Row(READ, lambda c, w: c.place_of(w.answer)),),
    "rate": (
        Row(READ, lambda c, w: c.rate(w.answer, True)),
        Row(READ, lambda c, w: c.rate(w.answer, None)),
    ),
    "show_branch": (Row(WRITE, lambda c, w: c.show_branch(w.thread, 1)),),
    "follow_query": (Row(PERSON, lambda c, w: c.follow_query(nothing)),),
    "follow_access": (
        Row(SUMS, lambda c, w: c.follow_access(w.thread)),
        Row(SUMS, lambda c, w: c.follow_access(w.sub)),
    ),
    "follow_threads": (Row(PERSON, lambda c, w: c.follow_threads()),),
    "keep": (Row(WRITE, lambda c, w: c.keep(w.other)),),
    "live_queries": (Row(OPERATOR, lambda c, w: c.live_queries()),),
    "regenerate": (Row(WRITE, lambda c, w: c.regenerate(w.answer)),),
    "rename_thread": (
        Row(WRITE, lambda c, w: c.rename_thread(w.thread, "Another name")),
        Row(WRITE, lambda c, w: c.rename_thread(w.sub, "Another name")),
    ),
    "retry": (Row(WRITE, lambda c, w: c.retry(w.answer)),),
    "search": (
        Row(PERSON, lambda c, w: c.search("")),
        Row(PERSON, lambda c, w: c.search(SECRET)),
    ),
    "send_message": (
        Row(WRITE, lambda c, w: c.send_message(w.thread, "hello")),
        Row(WRITE, lambda c, w: c.send_message(w.thread, "hello", second="replace")),
        Row(WRITE | {"member": InvalidInput, "admin": InvalidInput}, _with_upload),
    ),
    "stop": (Row(WRITE, lambda c, w: c.stop(w.thread)),),
    # Runs: those of a thread, those that are Ann's alone, and what is about what she said
    "runs.cancel": (
        Row(WRITE, lambda c, w: c.runs.cancel(w.asking)),
        Row(ANNS_OWN, lambda c, w: c.runs.cancel(w.errand)),
    ),
    "runs.follow": (
        Row(READ, lambda c, w: c.runs.follow(w.run)),
        Row(ANNS_OWN, lambda c, w: c.runs.follow(w.errand)),
        Row(ABOUT_ANN, lambda c, w: c.runs.follow(w.remembering)),
    ),
    "runs.fork": (
        Row(WRITE, lambda c, w: c.runs.fork(w.broken)),
        Row(ANNS_OWN, lambda c, w: c.runs.fork(w.errand)),
    ),
    "runs.get": (
        Row(READ, lambda c, w: c.runs.get(w.run)),
        Row(ANNS_OWN, lambda c, w: c.runs.get(w.errand)),
        Row(ABOUT_ANN, lambda c, w: c.runs.get(w.remembering)),
    ),
    "runs.kill": (Row(WRITE, lambda c, w: c.runs.kill(w.paused)),),
    "runs.logs": (
        Row(READ, lambda c, w: c.runs.logs(w.run)),
        Row(ABOUT_ANN, lambda c, w: c.runs.logs(w.remembering)),
    ),
    "runs.pause": (Row(WRITE, lambda c, w: c.runs.pause(w.asking)),),
    "runs.pause_workflow": (Row(OPERATOR, lambda c, w: c.runs.pause_workflow("errand")),),
    "runs.rerun": (Row(WRITE, lambda c, w: c.runs.rerun(w.broken)),),
    "runs.result": (
        Row(READ, lambda c, w: c.runs.result(w.run)),
        Row(ABOUT_ANN, lambda c, w: c.runs.result(w.remembering)),
    ),
    "runs.resume": (Row(WRITE, lambda c, w: c.runs.resume(w.paused)),),
    "runs.resume_workflow": (Row(OPERATOR, lambda c, w: c.runs.resume_workflow("no such")),),
    "runs.retry": (Row(WRITE, lambda c, w: c.runs.retry(w.broken)),),
    "runs.send_event": (
        Row(WRITE, lambda c, w: c.runs.send_event(w.paused, "wake up")),
        Row(ANNS_OWN, lambda c, w: c.runs.send_event(w.errand, "wake up")),
    ),
    "runs.start": (Row(PERSON, lambda c, w: c.runs.start(errand)),),
    "runs.start_once": (Row(PERSON, lambda c, w: c.runs.start_once("key", errand)),),
    "runs.steps": (
        Row(READ, lambda c, w: c.runs.steps(w.run)),
        Row(ABOUT_ANN, lambda c, w: c.runs.steps(w.remembering)),
    ),
    # Schedules
    "schedules.add": (Row(OPERATOR, lambda c, w: c.schedules.add(w.new, DAILY, errand)),),
    "schedules.change": (
        Row(
            ANNS_OWN,
            lambda c, w: c.schedules.change(
                w.schedule, seen=w.mark, name=w.new, trigger=DAILY, workflow="errand", arguments={}
            ),
        ),
    ),
    "schedules.create": (Row(PERSON, lambda c, w: c.schedules.create(w.new, DAILY, "errand")),),
    "schedules.delete": (Row(ANNS_OWN, lambda c, w: c.schedules.delete(w.schedule)),),
    "schedules.follow": (Row(PERSON, lambda c, w: c.schedules.follow()),),
    "schedules.follow_audits": (Row(ANNS_OWN, lambda c, w: c.schedules.follow_audits(w.schedule)),),
    "schedules.follow_history": (
        Row(ANNS_OWN, lambda c, w: c.schedules.follow_history(w.schedule)),
    ),
    "schedules.get": (Row(ANNS_OWN, lambda c, w: c.schedules.get(w.schedule)),),
    "schedules.history": (Row(ANNS_OWN, lambda c, w: c.schedules.history(w.schedule)),),
    "schedules.list": (Row(PERSON, lambda c, w: c.schedules.list()),),
    "schedules.next_times": (Row(ANNS_OWN, lambda c, w: c.schedules.next_times(w.schedule)),),
    "schedules.pause": (Row(ANNS_OWN, lambda c, w: c.schedules.pause(w.schedule)),),
    "schedules.preview": (Row(PERSON, lambda c, w: c.schedules.preview(DAILY)),),
    "schedules.resume": (Row(ANNS_OWN, lambda c, w: c.schedules.resume(w.schedule)),),
    "schedules.run_now": (Row(ANNS_OWN, lambda c, w: c.schedules.run_now(w.schedule)),),
    "schedules.workflows": (Row(PERSON, lambda c, w: c.schedules.workflows()),),
    # What people are asked
    "inbox.answer": (Row(WRITE, lambda c, w: c.inbox.answer(w.ask, "words")),),
    "inbox.approve": (
        Row(WRITE, lambda c, w: c.inbox.approve(w.ask)),
        Row(WRITE, lambda c, w: c.inbox.approve(w.ask, arguments={"to": "somebody"})),
    ),
    "inbox.deny": (Row(WRITE, lambda c, w: c.inbox.deny(w.ask)),),
    "inbox.follow": (Row(PERSON, lambda c, w: c.inbox.follow()),),
    "inbox.waiting": (Row(PERSON, lambda c, w: c.inbox.waiting()),),
    # Memories, files, sums
    "memories.edit": (Row(ONLY_ANNS, lambda c, w: c.memories.edit(w.memory, w.new)),),
    "memories.follow": (Row(PERSON, lambda c, w: c.memories.follow()),),
    "memories.forget": (Row(ONLY_ANNS, lambda c, w: c.memories.forget(w.memory)),),
    "memories.forget_all": (Row(PERSON, lambda c, w: c.memories.forget_all()),),
    "memories.get": (Row(ONLY_ANNS, lambda c, w: c.memories.get(w.memory)),),
    "memories.recall": (Row(PERSON, lambda c, w: c.memories.recall("axolotl zanzibar")),),
    "memories.remember": (Row(PERSON, lambda c, w: c.memories.remember("likes tea")),),
    "files.get": (Row(READ, lambda c, w: c.files.get(w.file)),),
    "files.discard": (Row(ONLY_ANNS, lambda c, w: c.files.discard(w.upload)),),
    "files.get_unsent": (Row(ONLY_ANNS, lambda c, w: c.files.get_unsent(w.upload)),),
    "files.preview": (Row(READ, lambda c, w: c.files.preview(w.file)),),
    "files.unsent": (Row(PERSON, lambda c, w: c.files.unsent()),),
    "files.upload": (Row(PERSON, lambda c, w: c.files.upload("a.txt", b"a")),),
    "spent.follow_answer": (Row(SUMS, lambda c, w: c.spent.follow_answer(w.answer)),),
    "spent.follow_thread": (Row(READ, lambda c, w: c.spent.follow_thread(w.thread)),),
    "spent.of_me": (Row(PERSON, lambda c, w: c.spent.of_me()),),
    "spent.of_message": (Row(SUMS, lambda c, w: c.spent.of_message(w.answer)),),
    "spent.of_run": (
        Row(SUMS, lambda c, w: c.spent.of_run(w.run)),
        Row(ANNS_SUMS, lambda c, w: c.spent.of_run(w.errand)),
    ),
    "spent.of_thread": (Row(READ, lambda c, w: c.spent.of_thread(w.thread)),),
    # Whoever looks after the app
    "tool_servers.follow_missing": (Row(PERSON, lambda c, w: c.tool_servers.follow_missing()),),
    "tool_servers.missing": (Row(PERSON, lambda c, w: c.tool_servers.missing()),),
    "faults.end": (Row(OPERATOR, lambda c, w: c.faults.end("no such fault")),),
    "faults.follow": (Row(OPERATOR, lambda c, w: c.faults.follow()),),
    "faults.switch_on": (Row(OPERATOR, lambda c, w: c.faults.switch_on("slow", 1)),),
    "operations.overview.follow_now": (
        Row(OPERATOR, lambda c, w: c.operations.overview.follow_now()),
    ),
    "operations.overview.follow_past": (
        Row(OPERATOR, lambda c, w: c.operations.overview.follow_past()),
    ),
    "operations.overview.follow_storage": (
        Row(OPERATOR, lambda c, w: c.operations.overview.follow_storage()),
    ),
    "operations.overview.now": (Row(OPERATOR, lambda c, w: c.operations.overview.now()),),
    "operations.overview.past": (Row(OPERATOR, lambda c, w: c.operations.overview.past()),),
    "operations.overview.storage": (Row(OPERATOR, lambda c, w: c.operations.overview.storage()),),
    # What is in force
    "configuration.follow_limits": (Row(PERSON, lambda c, w: c.configuration.follow_limits()),),
    "configuration.follow_models": (Row(OPERATOR, lambda c, w: c.configuration.follow_models()),),
    "configuration.follow_stored": (Row(OPERATOR, lambda c, w: c.configuration.follow_stored()),),
    "configuration.kept": (Row(PERSON, lambda c, w: c.configuration.kept()),),
    "configuration.settings": (Row(OPERATOR, lambda c, w: c.configuration.settings()),),
    "configuration.stored": (Row(OPERATOR, lambda c, w: c.configuration.stored()),),
    "configuration.sweep": (Row(OPERATOR, lambda c, w: c.configuration.sweep()),),
    "configuration.test": (Row(OPERATOR, lambda c, w: c.configuration.test("app")),),
    "operations.audits.exported": (Row(OPERATOR, lambda c, w: c.operations.audits.exported()),),
    "operations.audits.follow": (Row(OPERATOR, lambda c, w: c.operations.audits.follow()),),
    "operations.audits.page": (Row(OPERATOR, lambda c, w: c.operations.audits.page()),),
    # Lists of runs
    "operations.lists.choices": (Row(PERSON, lambda c, w: c.operations.lists.choices()),),
    "operations.lists.delete_view": (
        Row(FOR_ANN, lambda c, w: c.operations.lists.delete_view(w.view)),
    ),
    "operations.lists.follow": (
        Row(PERSON, lambda c, w: c.operations.lists.follow()),
        Row(PERSON, lambda c, w: c.operations.lists.follow("sort=longest")),
    ),
    "operations.lists.follow_bulk": (
        Row(ANNS_OWN, lambda c, w: c.operations.lists.follow_bulk(w.bulk)),
    ),
    "operations.lists.follow_views": (Row(PERSON, lambda c, w: c.operations.lists.follow_views()),),
    "operations.lists.page": (
        Row(PERSON, lambda c, w: c.operations.lists.page()),
        Row(PERSON, lambda c, w: c.operations.lists.page(f"thread={w.thread}")),
        Row(PERSON, lambda c, w: c.operations.lists.page("text=zanz")),
    ),
    "operations.lists.plan": (
        Row(SUMS, lambda c, w: c.operations.lists.plan("cancel", [w.asking])),
        Row(ANNS_SUMS, lambda c, w: c.operations.lists.plan("retry", [w.errand])),
        Row(PERSON, lambda c, w: c.operations.lists.plan("retry", "")),
    ),
    "operations.lists.rename_view": (
        Row(ONLY_ANNS, lambda c, w: c.operations.lists.rename_view(w.view, w.new)),
    ),
    "operations.lists.save_view": (
        Row(PERSON, lambda c, w: c.operations.lists.save_view("mine", "status=failed")),
    ),
    "operations.lists.start": (
        Row(PERSON, lambda c, w: c.operations.lists.start("cancel", [w.asking])),
    ),
    # One run
    **{f"operations.details.{name}": _of_a_run(call) for name, call in DETAILS.items()},
    "operations.details.follow_head": (
        Row(SUMS, lambda c, w: c.operations.details.follow_head(w.run)),
        Row(ANNS_SUMS, lambda c, w: c.operations.details.follow_head(w.errand)),
        Row(
            ABOUT_ANN_HEAD,
            lambda c, w: c.operations.details.follow_head(w.remembering),
        ),
    ),
    "operations.details.follow_nested": (
        Row(SUMS, lambda c, w: c.operations.details.follow_nested((w.run,))),
        Row(ANNS_SUMS, lambda c, w: c.operations.details.follow_nested((w.errand,))),
    ),
    # With whom a thread is shared, and who is there
    "sharing.add": (Row(OWN, lambda c, w: c.sharing.add(w.thread, w.person, "member")),),
    "sharing.change_role": (
        Row(OWN, lambda c, w: c.sharing.change_role(w.thread, VERA.id, "member")),
    ),
    "sharing.follow_links": (Row(OWN, lambda c, w: c.sharing.follow_links(w.thread)),),
    "sharing.follow_members": (Row(READ, lambda c, w: c.sharing.follow_members(w.thread)),),
    "sharing.hand_over": (Row(OWN, lambda c, w: c.sharing.hand_over(w.thread, w.person)),),
    "sharing.join": (Row(PERSON, lambda c, w: c.sharing.join(w.token)),),
    "sharing.leave": (Row(LEAVE, lambda c, w: c.sharing.leave(w.thread)),),
    "sharing.link": (Row(PERSON, lambda c, w: c.sharing.link(w.token)),),
    "sharing.links": (Row(OWN, lambda c, w: c.sharing.links(w.thread)),),
    "sharing.make_link": (Row(OWN, lambda c, w: c.sharing.make_link(w.thread, "viewer")),),
    "sharing.members": (Row(READ, lambda c, w: c.sharing.members(w.thread)),),
    "sharing.remove": (Row(OWN, lambda c, w: c.sharing.remove(w.thread, BOB.id)),),
    "sharing.revoke_link": (Row(OWN, lambda c, w: c.sharing.revoke_link(w.thread, w.link)),),
    "presence.follow": (Row(READ, lambda c, w: c.presence.follow(w.thread)),),
    "presence.here": (Row(READ, lambda c, w: c.presence.here(w.thread, w.new)),),
    "presence.typing": (Row(WRITE, lambda c, w: c.presence.typing(w.thread, w.tab)),),
    # Accounts, whose verbs are told who it is
    "accounts.add": (
        Row(MACHINE, lambda c, w: c.accounts.add(w.new, "a long one", admin=True, actor=c.actor)),
    ),
    "accounts.change_password": (
        # All of them know no more than that it is not theirs.
        Row(MACHINE, lambda c, w: c.accounts.change_password(c.actor, "a guess", "a long one")),
    ),
    "accounts.follow_people": (Row(OPERATOR, lambda c, w: c.accounts.follow_people(c.actor)),),
    "accounts.invitations": (Row(OPERATOR, lambda c, w: c.accounts.invitations(c.actor)),),
    "accounts.invite": (Row(OPERATOR, lambda c, w: c.accounts.invite(c.actor)),),
    "accounts.logins": (
        Row(PERSON | {"nobody": NOTHING}, lambda c, w: c.accounts.logins(c.actor)),
    ),
    "accounts.people": (Row(OPERATOR, lambda c, w: c.accounts.people(c.actor)),),
    "accounts.person": (Row(OPERATOR, lambda c, w: c.accounts.person(w.person, c.actor)),),
    "accounts.rename": (
        Row(PERSON | {"nobody": NotFound}, lambda c, w: c.accounts.rename(c.actor, "Another")),
    ),
    "accounts.reset_link": (Row(OPERATOR, lambda c, w: c.accounts.reset_link(w.person, c.actor)),),
    "accounts.revoke": (
        Row(ANNS_OWN | {"nobody": NotFound}, lambda c, w: c.accounts.revoke(w.login, c.actor)),
    ),
    "accounts.revoke_invitation": (
        Row(OPERATOR, lambda c, w: c.accounts.revoke_invitation(w.invitation, c.actor)),
    ),
    "accounts.revoke_others": (
        Row(PERSON | {"nobody": NOTHING}, lambda c, w: c.accounts.revoke_others(c.actor, "")),
    ),
    "accounts.set_active": (
        Row(OPERATOR, lambda c, w: c.accounts.set_active(w.person, False, c.actor)),
    ),
    "accounts.set_admin": (
        Row(OPERATOR, lambda c, w: c.accounts.set_admin(w.person, True, c.actor)),
    ),
    "accounts.set_password": (
        Row(MACHINE, lambda c, w: c.accounts.set_password(w.person, "a long one", c.actor)),
    ),
}

OF_NOBODY: Final = {
    "by": "the same verbs in the hands of somebody",
    "runs.by": "the same",
    "schedules.by": "the same",
    "runs.declared": "what the code declares",
    "presence.close": "the end of the app",
    "configuration.begin": "the start of the app",
    "memories.known": "for runs of the app, which name the person",
    "sharing.visit": "whoever has a link; test_public_links.py",
    "sharing.visitor": "the same; test_sharing.py",
    "accounts.begin_with_provider": "before anybody is logged in; test_oidc.py",
    "accounts.beginning": "before anybody is logged in",
    "accounts.enrol": "writes down guests of an open app, and nobody else",
    "accounts.follow_login": "whoever has a token; test_logins.py, as the next ones",
    "accounts.guest": "the same",
    "accounts.link": "the same",
    "accounts.log_in": "the same",
    "accounts.log_in_with_provider": "the same",
    "accounts.log_out": "the same",
    "accounts.sign_up": "the same",
    "accounts.use_reset": "the same",
    "accounts.who": "the same",
}
"""Verbs that are done by nobody in particular, and why that is right."""

NO_VERBS: Final = {
    "settings": "values",
    "health": "for whoever watches the process; see endpoints.py",
    "metrics": "for whoever has the token of the metrics; see endpoints.py",
    "memories.embedding": "a part of it",
    "memories.vectors": "a part of it",
}
"""Attributes of which no person uses anything."""

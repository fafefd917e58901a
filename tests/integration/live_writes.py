"""Every kind of write to the forum that a user may think of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from agentchat.store.writer import Tx
from tests.integration.live_reads import Mark, Post, Room

ROOMS = ("a", "b", "c")
POSTS = 5


@dataclass(frozen=True)
class Write:
    """A write with what it is about; each kind takes of it what it needs."""

    kind: Callable[[Tx, Write], None]
    room: str
    other: str
    n: int

    def __call__(self, tx: Tx) -> None:
        self.kind(tx, self)

    def __repr__(self) -> str:
        return f"{self.kind.__name__}({self.room}, {self.other}, {self.n})"

    @property
    def post(self) -> str:
        return f"p{self.n % POSTS}"

    def row(self, n: int = 0) -> dict[str, Any]:
        post = f"p{(self.n + n) % POSTS}"
        return {"id": post, "room_id": self.room, "position": self.n, "words": "new"}


def add_room(tx: Tx, w: Write) -> None:
    tx.execute(insert(Room).values(id=w.room, owner=f"o{w.n % 2}", size=w.n))


def add_post(tx: Tx, w: Write) -> None:
    tx.execute(insert(Post), w.row())


def add_posts(tx: Tx, w: Write) -> None:
    tx.execute(insert(Post), [w.row(), {**w.row(1), "room_id": w.other}])


def add_posts_at_once(tx: Tx, w: Write) -> None:
    tx.execute(insert(Post).values([w.row(), {**w.row(1), "room_id": w.other}]))


def add_by_other_names(tx: Tx, w: Write) -> None:
    statement = insert(Post).values(
        id=w.post, room_id=bindparam("where", "a"), position=w.n, words=func.lower("NEW")
    )
    tx.execute(statement, {"where": w.room})


def add_if_missing(tx: Tx, w: Write) -> None:
    tx.execute(_upsert(tx).on_conflict_do_nothing(), w.row())


def add_or_change(tx: Tx, w: Write) -> None:
    changed = {"room_id": w.other, "words": "changed"}
    tx.execute(_upsert(tx).on_conflict_do_update(index_elements=["id"], set_=changed), w.row())


def replace(tx: Tx, w: Write) -> None:
    if tx.dialect == "sqlite":
        tx.execute(insert(Room).prefix_with("OR REPLACE"), _room(w))
    else:
        add_or_change(tx, w)


def copy(tx: Tx, w: Write) -> None:
    found = select(Post.id + "+", literal(w.other), Post.position, Post.words, literal(0))
    names = ["id", "room_id", "position", "words", "edits"]
    tx.execute(insert(Post).from_select(names, found.where(Post.room_id == w.room)))


def reword(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.id == w.post).values(words=f"w{w.n}"))


def reword_room(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.room_id == w.room), {"words": f"r{w.n}"})


def reword_edited(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.edits == w.n % 3).values(words="edited"))


def move(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.id == w.post).values(room_id=w.other))


def move_all(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.room_id == w.room).values({Post.room_id: w.other}))


def move_by_parameters(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.room_id == w.room), {"room_id": w.other, "position": w.n})


def shift(tx: Tx, w: Write) -> None:
    later = update(Post).where(Post.room_id == w.room, Post.position >= w.n)
    tx.execute(later.values(position=Post.position + 1))


def place_many(tx: Tx, w: Write) -> None:
    placed = update(Post).where(Post.id == bindparam("which"))
    tx.execute(placed, [{"which": w.post, "position": w.n}, {"which": "p0", "position": w.n + 1}])


def adopt(tx: Tx, w: Write) -> None:
    tx.execute(update(Post).where(Post.room_id == w.room).values(parent_id=_some_post(w)))


def follow_owner(tx: Tx, w: Write) -> None:
    owned = update(Post).where(Post.room_id == Room.id, Room.owner == f"o{w.n % 2}")
    tx.execute(owned.values(position=Room.size))


def give(tx: Tx, w: Write) -> None:
    tx.execute(update(Room).where(Room.id == w.room).values(owner=f"o{w.n % 2}"))


def rename_room(tx: Tx, w: Write) -> None:
    tx.execute(update(Room).where(Room.id == w.room).values(id=w.other))


def mark(tx: Tx, w: Write) -> None:
    tx.execute(insert(Mark), {"post_id": w.post, "kind": "like" if w.n % 2 else "doubt"})


def unmark(tx: Tx, w: Write) -> None:
    tx.execute(delete(Mark).where(Mark.post_id == w.post))


def remove(tx: Tx, w: Write) -> None:
    tx.execute(delete(Post).where(Post.id == w.post))


def remove_late(tx: Tx, w: Write) -> None:
    tx.execute(delete(Post).where(Post.position > w.n))


def remove_room(tx: Tx, w: Write) -> None:
    tx.execute(delete(Room).where(Room.id == w.room))


def remove_by_name(tx: Tx, w: Write) -> None:
    tx.execute(delete(Post).where(Post.room_id == bindparam("room_id")), {"room_id": w.room})


def in_plain_words(tx: Tx, w: Write) -> None:
    moved = text("UPDATE forum_posts SET room_id = :other WHERE id = :post")
    tx.execute(moved, {"other": w.other, "post": w.post})


def inside_a_select(tx: Tx, w: Write) -> None:
    if tx.dialect == "sqlite":
        move_all(tx, w)
        return
    moved = update(Post).where(Post.room_id == w.room).values(room_id=w.other)
    tx.execute(select(func.count()).select_from(moved.returning(Post.id).cte("moved")))


def inside_another(tx: Tx, w: Write) -> None:
    if tx.dialect == "sqlite":
        remove(tx, w)
        return
    gone = delete(Mark).where(Mark.post_id == w.post).returning(Mark.post_id).cte("gone")
    tx.execute(update(Post).where(Post.id.in_(select(gone.c.post_id))).values(words="unmarked"))


def back_to_a_savepoint(tx: Tx, w: Write) -> None:
    tx.execute(text("SAVEPOINT here"))
    remove_room(tx, w)
    tx.execute(text("ROLLBACK TO SAVEPOINT here"))
    reword(tx, w)


def change_and_fail(tx: Tx, w: Write) -> None:
    move_all(tx, w)
    raise ValueError("this unit does not mean it")


def _upsert(tx: Tx) -> Any:
    return (sqlite if tx.dialect == "sqlite" else postgresql).insert(Post)


def _room(w: Write) -> dict[str, Any]:
    return {"id": w.room, "owner": f"o{w.n % 2}", "size": w.n}


def _some_post(w: Write) -> Any:
    return select(func.min(Post.id)).where(Post.room_id == w.other).scalar_subquery()


WRITES: tuple[Callable[[Tx, Write], None], ...] = (
    add_room, add_post, add_posts, add_posts_at_once, add_by_other_names, add_if_missing,
    add_or_change, replace, copy, reword, reword_room, reword_edited, move, move_all,
    move_by_parameters, shift, place_many, adopt, follow_owner, give, rename_room, mark, unmark,
    remove, remove_late, remove_room, remove_by_name, in_plain_words, inside_a_select,
    inside_another, back_to_a_savepoint, change_and_fail,
)  # fmt: skip

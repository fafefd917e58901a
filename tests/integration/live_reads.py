"""Tables of a small forum, and every kind of read of them that a user may think of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ForeignKey, func, literal_column, or_, select, text, union
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    aliased,
    column_property,
    contains_eager,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from sqlmodel import Session

from agentchat.errors import NotAllowed

Read = Callable[[Session, str, int], Any]


class Forum(DeclarativeBase):
    """Tables of their own: the schema of the app has no cascades and no relationships."""


class Mark(Forum):
    __tablename__ = "forum_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[str] = mapped_column(ForeignKey("forum_posts.id", ondelete="CASCADE"))
    kind: Mapped[str]


class Post(Forum):
    __tablename__ = "forum_posts"

    id: Mapped[str] = mapped_column(primary_key=True)
    room_id: Mapped[str] = mapped_column(
        ForeignKey("forum_rooms.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("forum_posts.id", ondelete="SET NULL"))
    position: Mapped[int]
    words: Mapped[str]
    edits: Mapped[int] = mapped_column(default=0, onupdate=text("edits + 1"))
    marks: Mapped[list[Mark]] = relationship(order_by=Mark.id)
    marked: Mapped[int] = column_property(
        select(func.count(Mark.id))
        .where(Mark.post_id == id)
        .correlate_except(Mark)
        .scalar_subquery()
    )


class Room(Forum):
    __tablename__ = "forum_rooms"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    size: Mapped[int]
    posts: Mapped[list[Post]] = relationship(lazy="joined", order_by=Post.id)


Child = aliased(Post)
# An alias learns of its attributes when they are first asked for, which is not for several threads.
for _attribute in Post.__mapper__.attrs:
    getattr(Child, _attribute.key)


def _all(session: Session, statement: Any) -> list[Any]:
    return [tuple(row) for row in session.execute(statement)]


def by_room(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Post.id, Post.words).where(Post.room_id == room).order_by(Post.id))


def by_room_and_position(session: Session, room: str, n: int) -> Any:
    found = select(Post.id).where(Post.room_id == room, Post.position == n).order_by(Post.id)
    return _all(session, found)


def by_edits(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Post.id).where(Post.edits == n % 3).order_by(Post.id))


def in_rooms(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Post.id).where(Post.room_id.in_([room, "a"])).order_by(Post.id))


def after_position(session: Session, room: str, n: int) -> Any:
    found = select(Post.id).where(Post.room_id == room, Post.position > n).order_by(Post.id)
    return _all(session, found)


def between_positions(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Post.id).where(Post.position.between(1, n)).order_by(Post.id))


def by_key(session: Session, room: str, n: int) -> Any:
    post = session.get(Post, f"p{n}")
    return post and (post.room_id, post.words, post.marked)


def joined(session: Session, room: str, n: int) -> Any:
    found = select(Post.id, Room.size).join(Room, Room.id == Post.room_id)
    return _all(session, found.where(Room.owner == f"o{n % 2}").order_by(Post.id))


def joined_by_room(session: Session, room: str, n: int) -> Any:
    found = select(Post.id, Room.size).join(Room, Room.id == Post.room_id)
    return _all(session, found.where(Room.id == room).order_by(Post.id))


def without_posts(session: Session, room: str, n: int) -> Any:
    found = select(Room.id).outerjoin(Post, (Post.room_id == Room.id) & (Post.position == n))
    return _all(session, found.where(Post.id.is_(None)).order_by(Room.id))


def loaded_with_the_room(session: Session, room: str, n: int) -> Any:
    found = session.get(Room, room)
    return found and [(post.id, post.words, post.marked) for post in found.posts]


def loaded_when_asked_for(session: Session, room: str, n: int) -> Any:
    post = session.get(Post, f"p{n}")
    return post and [mark.kind for mark in post.marks]


def loaded_in_a_second_select(session: Session, room: str, n: int) -> Any:
    found = select(Post).where(Post.room_id == room).options(selectinload(Post.marks))
    posts = session.scalars(found.order_by(Post.id))
    return [(post.id, [mark.kind for mark in post.marks]) for post in posts]


def loaded_in_the_same_select(session: Session, room: str, n: int) -> Any:
    found = select(Post).where(Post.room_id == room).options(joinedload(Post.marks))
    posts = session.scalars(found.order_by(Post.id).limit(3)).unique()
    return [(post.id, [mark.kind for mark in post.marks]) for post in posts]


def loaded_from_a_join(session: Session, room: str, n: int) -> Any:
    found = select(Post).join(Post.marks).options(contains_eager(Post.marks))
    found = found.where(Post.room_id == room, Mark.kind == "like").order_by(Post.id, Mark.id)
    return [(post.id, len(post.marks)) for post in session.scalars(found).unique()]


def counted(session: Session, room: str, n: int) -> Any:
    return session.scalar(select(func.count()).select_from(Post).where(Post.room_id == room))


def grouped(session: Session, room: str, n: int) -> Any:
    found = select(Post.room_id, func.sum(Post.position)).group_by(Post.room_id)
    return _all(session, found.having(func.count() > 1).order_by(Post.room_id))


def counted_by_the_query_api(session: Session, room: str, n: int) -> Any:
    return session.query(Post).filter_by(room_id=room).count()


def existing(session: Session, room: str, n: int) -> Any:
    some = select(Mark.id).where(Mark.post_id == Post.id, Mark.kind == "like").exists()
    return _all(session, select(Post.id).where(some).order_by(Post.id))


def not_existing(session: Session, room: str, n: int) -> Any:
    none = ~select(Post.id).where(Post.room_id == Room.id, Room.owner == "o1").exists()
    return _all(session, select(Room.id).where(none).order_by(Room.id))


def in_a_subquery(session: Session, room: str, n: int) -> Any:
    rooms = select(Room.id).where(Room.owner == f"o{n % 2}")
    return _all(session, select(Post.id).where(Post.room_id.in_(rooms)).order_by(Post.id))


def from_a_subquery(session: Session, room: str, n: int) -> Any:
    inner = select(Post).where(Post.room_id == room).subquery()
    return sorted(_all(session, select(inner)), key=str)


def beside_a_number(session: Session, room: str, n: int) -> Any:
    newest = select(func.max(Post.position)).where(Post.room_id == Room.id).scalar_subquery()
    return _all(session, select(Room.id, newest).where(Room.id == room))


def children(session: Session, room: str, n: int) -> Any:
    found = select(Child.id, Child.words).join(Post, Child.parent_id == Post.id)
    return _all(session, found.where(Post.room_id == room).order_by(Child.id))


def of_an_alias(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Child.id).where(Child.room_id == room).order_by(Child.id))


def beside_all_others(session: Session, room: str, n: int) -> Any:
    found = select(Post.id, Child.id).where(Post.room_id == room, Child.position == n)
    return _all(session, found.order_by(Post.id, Child.id))


def both(session: Session, room: str, n: int) -> Any:
    owned = select(Room.id).where(Room.owner == f"o{n % 2}")
    return _all(session, union(select(Post.id).where(Post.room_id == room), owned).order_by("id"))


def named_beforehand(session: Session, room: str, n: int) -> Any:
    mine = select(Post.id, Post.parent_id).where(Post.room_id == room).cte("mine")
    return _all(session, select(mine.c.id, mine.c.parent_id).order_by(mine.c.id))


def ancestors(session: Session, room: str, n: int) -> Any:
    line = select(Post.id, Post.parent_id).where(Post.id == f"p{n}").cte("line", recursive=True)
    line = line.union(select(Child.id, Child.parent_id).join(line, line.c.parent_id == Child.id))
    return _all(session, select(line.c.id).order_by(line.c.id))


def newest(session: Session, room: str, n: int) -> Any:
    found = select(Post.id).where(Post.room_id == room)
    return _all(session, found.order_by(Post.position.desc(), Post.id).limit(2))


def ranked(session: Session, room: str, n: int) -> Any:
    rank = func.row_number().over(order_by=(Post.position, Post.id))
    return _all(session, select(Post.id, rank).where(Post.room_id == room).order_by(Post.id))


def either(session: Session, room: str, n: int) -> Any:
    found = select(Post.id).where(or_(Post.room_id == room, Post.position == n))
    return _all(session, found.order_by(Post.id))


def elsewhere(session: Session, room: str, n: int) -> Any:
    return _all(session, select(Post.id).where(Post.room_id != room).order_by(Post.id))


def in_plain_words(session: Session, room: str, n: int) -> Any:
    found = text("SELECT id FROM forum_posts WHERE room_id = :room ORDER BY id")
    return _all(session, found.bindparams(room=room))


def partly_in_words(session: Session, room: str, n: int) -> Any:
    marks: Any = literal_column("(SELECT count(*) FROM forum_marks)")
    return _all(session, select(Room.id, marks).where(Room.id == room))


def past_the_orm(session: Session, room: str, n: int) -> Any:
    found = session.connection().exec_driver_sql("SELECT id FROM forum_rooms ORDER BY id")
    return [tuple(row) for row in found]


def one_after_another(session: Session, room: str, n: int) -> Any:
    found: list[Any] = []
    for post in by_room(session, room, n):
        marks = select(Mark.kind).where(Mark.post_id == post[0]).order_by(Mark.id)
        found.append(_all(session, marks))
    return found


def refused(session: Session, room: str, n: int) -> Any:
    owner = session.scalar(select(Room.owner).where(Room.id == room))
    if owner != "o1":
        raise NotAllowed(f"{owner} is somebody else")
    return by_room(session, room, n)


READS: tuple[Read, ...] = (
    by_room, by_room_and_position, by_edits, in_rooms, after_position, between_positions, by_key,
    joined, joined_by_room, without_posts, loaded_with_the_room, loaded_when_asked_for,
    loaded_in_a_second_select, loaded_in_the_same_select, loaded_from_a_join, counted, grouped,
    counted_by_the_query_api, existing, not_existing, in_a_subquery, from_a_subquery,
    beside_a_number, children, of_an_alias, beside_all_others, both, named_beforehand, ancestors,
    newest, ranked, either, elsewhere, in_plain_words, partly_in_words, past_the_orm,
    one_after_another, refused,
)  # fmt: skip

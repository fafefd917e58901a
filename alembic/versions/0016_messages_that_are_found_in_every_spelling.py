"""Messages that are found by the same words on both databases: without accents, in every script,
however common a word is.

Both indexes now hold the words that ``agentchat/store/words.py`` finds in a text, instead of what
each database takes for words. SQLite is told them by that very function: every connection that
writes messages has to know it. PostgreSQL has it in its own language, without an extension and
independent of its locale; `tests/integration/test_search_agrees.py` compares the two.

The places of SQLite's index are the times at which messages were written, so that it gives the
newest first without sorting; PostgreSQL gets an index of them.

All messages are indexed again: in one go, as the app is not served meanwhile anyway. PostgreSQL
writes the table anew and has it locked for that long, 10 to 60 seconds for 100,000 messages: most
of it is spent on finding words, of scripts without spaces seven times as much as of English.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import unicodedata

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MOST, _LONGEST = 100_000, 64
_MARKS = (
    r"\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff"
)
_BETWEEN = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a1\u00ab\u00b7\u00bb\u00bf\u055a-\u055f"
    r"\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0609-\u060d\u061b-\u061f\u066a-\u066d"
    r"\u06d4\u0700-\u070d\u0964\u0965\u0970\u10fb\u1360-\u1368\u17d4-\u17da\u1800-\u180a"
    r"\u2010-\u205f\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufd3e\ufd3f"
)
_SIGNS = (
    r"\u00a2-\u00a9\u00ac\u00ae-\u00b6\u00d7\u00f7\u20a0-\u20cf\u2100-\u2bff"
    r"\U0001f000-\U0001faff"
)
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17d3\u17db-\u17ff\u2e80-\u2fff\u3005-\u3007"
    r"\u3021-\u302f\u3031-\u303c\u3040-\u309f\u30a1-\u30fa\u30fc-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
_LIKE = ("øđðħıłŧς", "oddhilt\u03c3")
"""As they are in ``store/words.py`` now: what a later version changes there, its migration does."""


_CASED = (("\u0370", "\u03ff"), ("\u0400", "\u042f"), ("\u0531", "\u0556"))
_CASED_TOO = (
    r"\u0180-\u024f\u0460-\u0530\u10a0-\u10ff\u1320-\u13ff\u1c80-\u1fff\u2100-\u218f"
    r"\u2c00-\u2dff\ua640-\ua7ff\U00010400-\U0001efff"
)


_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
"""Of 0006, as an SQL literal."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _drop_in_sqlite()
        # Words alone: what stands side by side is looked for in the text itself.
        op.execute(
            "CREATE VIRTUAL TABLE messages_search USING fts5("
            "place, id UNINDEXED, text, tokenize = 'ascii', detail = 'column')"
        )
        # Milliseconds, and room for a million messages in each.
        time = "(CAST(round((julianday({0}.created_at) - 2440587.5) * 86400000) AS INTEGER) << 20)"
        first = time.format("new")
        _find_words(
            "rowid, place, id, text",
            "coalesce((SELECT max(id) + 1 FROM messages_search_content"
            f" WHERE id BETWEEN {first} AND {first} + 1048575), {first}),"
            f" {_PLACE.format('new')}, agentchat_words(new.text)",
        )
        time = time.format("messages")
        op.get_bind().exec_driver_sql(
            "INSERT INTO messages_search(rowid, place, id, text)"
            f" SELECT {time} + row_number() OVER (PARTITION BY {time} ORDER BY id) - 1,"
            f" {_PLACE.format('messages')}, agentchat_words(text)"
            " FROM messages WHERE text <> '' ORDER BY 1"
        )
    else:
        op.execute("DROP INDEX ix_messages_words")
        op.execute("ALTER TABLE messages DROP COLUMN words")
        _run(_function())
        _add_column("messages_search_words(text)")
        op.execute("CREATE INDEX messages_search_newest ON messages (created_at)")


_PLACE = "'t' || hex({0}.thread_id) || ' m' || hex({0}.id), {0}.id"


def _find_words(columns: str, values: str) -> None:
    """The triggers of 0009, with other values."""
    run = op.get_bind().exec_driver_sql
    add = f"INSERT INTO messages_search({columns}) SELECT {values}"
    forget = (
        "DELETE FROM messages_search WHERE rowid IN (SELECT rowid FROM messages_search"
        " WHERE messages_search MATCH 'place : m' || hex(old.id))"
    )
    run(
        "CREATE TRIGGER messages_search_added AFTER INSERT ON messages"
        f" WHEN new.text <> '' BEGIN {add}; END"
    )
    run(
        "CREATE TRIGGER messages_search_changed AFTER UPDATE OF text ON messages"
        f" WHEN new.text <> old.text BEGIN {forget} AND old.text <> '';"
        f" {add} WHERE new.text <> ''; END"
    )
    run(
        "CREATE TRIGGER messages_search_removed AFTER DELETE ON messages"
        f" WHEN old.text <> '' BEGIN {forget}; END"
    )


def _add_column(words: str) -> None:
    _run(f"ALTER TABLE messages ADD COLUMN words tsvector GENERATED ALWAYS AS ({words}) STORED")
    op.execute("CREATE INDEX ix_messages_words ON messages USING gin (words)")


def _run(statement: str) -> None:
    # Nothing in it is a parameter.
    op.get_bind().exec_driver_sql(statement, execution_options={"no_parameters": True})


def _function() -> str:
    """``words.keys`` in PostgreSQL's language. Without a locale, it has to be told the case of
    letters: of each script only where there is one, as the list is gone through for each letter.
    """
    upper = [one for one in map(chr, range(0x80, 0x1F000)) if _is_capital(one)]
    latin = [one for one in upper if one < "\u0180"]
    groups = [("".join(latin), latin)]
    for first, last in _CASED:
        some = [one for one in upper if first <= one <= last]
        upper = [one for one in upper if one not in some]
        groups.append((f"{first}-{last}", some))
    groups.append((_CASED_TOO, [one for one in upper if one not in latin]))
    cases = "".join(
        f"    IF t ~ '[{where}]' THEN\n"
        f"      t := translate(t, '{''.join(some)}', '{''.join(map(str.lower, some))}');\n"
        "    END IF;\n"
        for where, some in groups
    )
    spelled = "".join(
        f"    t := replace(t, '{letter}', '{spelling}');\n" for letter, spelling in _LETTERS.items()
    )
    return rf"""
CREATE FUNCTION messages_search_words(said text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  t text := left(said, {_MOST});
  found text[];
  signs text[];
  pairs text[];
BEGIN
  IF octet_length(t) > length(t) THEN
    t := normalize(t, NFKD);
    t := regexp_replace(t, '[{_MARKS}]+', '', 'g');
    t := normalize(t, NFC);
{cases}    t := translate(t, '{_LIKE[0]}', '{_LIKE[1]}');
{spelled}    t := left(t, {_MOST});
    t := regexp_replace(t, '([{_SIGNS}])', ' \1 ', 'g');
    IF t ~ '[{_UNSPACED}]' THEN
      signs := string_to_array(regexp_replace(t, '[^{_UNSPACED}]+', ' ', 'g') || ' ', NULL);
      pairs := ARRAY(
        SELECT rtrim(one || following) FROM unnest(signs, signs[2:]) AS two(one, following)
        WHERE one <> ' ');
      t := regexp_replace(t, '[{_UNSPACED}]+', ' ', 'g');
    END IF;
  END IF;
  t := regexp_replace(lower(t COLLATE "C"), '[{_BETWEEN}]+', ' ', 'g');
  found := array_remove(string_to_array(t, ' '), '');
  IF octet_length(t) > {_LONGEST} THEN
    found := ARRAY(SELECT left(one, {_LONGEST}) FROM unnest(found) AS one);
  END IF;
  RETURN array_to_tsvector(found || pairs);
END $$
"""


def _is_capital(sign: str) -> bool:
    return len(sign.lower()) == 1 and sign.lower() != sign == unicodedata.normalize("NFKD", sign)


def _drop_in_sqlite() -> None:
    for what in ("added", "changed", "removed"):
        op.execute(f"DROP TRIGGER messages_search_{what}")
    op.execute("DROP TABLE messages_search")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _drop_in_sqlite()
        op.execute(
            "CREATE VIRTUAL TABLE messages_search USING fts5("
            "place, id UNINDEXED, text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        run = op.get_bind().exec_driver_sql
        run(
            "INSERT INTO messages_search(messages_search, rank)"
            " VALUES ('rank', 'bm25(0.0, 0.0, 1.0)')"
        )
        _find_words("place, id, text", f"{_PLACE.format('new')}, substr(new.text, 1, {_MOST})")
        run(
            "INSERT INTO messages_search(place, id, text)"
            f" SELECT {_PLACE.format('messages')}, substr(text, 1, {_MOST})"
            " FROM messages WHERE text <> ''"
        )
    else:
        op.execute("DROP INDEX messages_search_newest")
        op.execute("DROP INDEX ix_messages_words")
        op.execute("ALTER TABLE messages DROP COLUMN words")
        op.execute("DROP FUNCTION messages_search_words")
        spaces = " " * (len(_PUNCTUATION) - 1)
        text = f"translate(left(text, {_MOST}), '{_PUNCTUATION}', '{spaces}')"
        _add_column(f"to_tsvector('pg_catalog.english', {text})")

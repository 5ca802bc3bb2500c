"""
The catalog of a SQLite file.

SQLite keeps the statement that made a table, and edits it when columns come and go. So a table is
taken apart into its definitions; in which order they stand means nothing.
"""

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

_PARTS: Final = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master"
    " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
_SIGN: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|[A-Za-z0-9_.]+|\s+|.""", re.DOTALL
)
_TABLE: Final = re.compile(r"[^(]*\((?P<parts>.*)\)(?P<options>[^)]*)", re.DOTALL)
_NAMED: Final = re.compile(r'CONSTRAINT\s+"?(?P<name>\w+)"?\s+(?P<rule>.*)', re.DOTALL)
_UNNAMED: Final = re.compile(r"(CHECK|PRIMARY|UNIQUE|FOREIGN)\b.*", re.DOTALL)
_KINDS: Final = {
    "CHECK": "check",
    "PRIMARY": "primary key",
    "UNIQUE": "unique constraint",
    "FOREIGN": "foreign key",
}


def read_sqlite_catalog(connection: Connection) -> Iterator[tuple[str, str, str, str]]:
    """Give table, kind, name and definition of each part."""
    for kind, name, table, sql in connection.execute(text(_PARTS)):
        if kind == "table":
            yield from _parts_of_table(name, sql)
        else:
            yield table, kind, name, _in_one_line(sql)


def _parts_of_table(table: str, sql: str) -> Iterator[tuple[str, str, str, str]]:
    taken = _TABLE.fullmatch(sql.strip())
    if taken is None:  # a virtual table
        yield table, "table", table, _in_one_line(sql)
        return
    yield table, "table", table, _in_one_line(taken["options"]) or "ordinary"
    for definition in _split(taken["parts"]):
        kind, name, words = _part(definition)
        yield table, kind, name, words


def _part(definition: str) -> tuple[str, str, str]:
    named = _NAMED.fullmatch(definition)
    if named is not None:
        return _kind(named["rule"]), named["name"], named["rule"]
    if _UNNAMED.fullmatch(definition):
        return _kind(definition), definition, definition
    name, _, words = definition.partition(" ")
    return "column", name.strip('"'), words


def _kind(rule: str) -> str:
    return _KINDS.get(rule.split(maxsplit=1)[0].rstrip("("), "constraint")


def _split(parts: str) -> Iterator[str]:
    """Split at the commas that stand in no brackets."""
    depth, words = 0, ""
    for sign in _signs(parts):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            yield words.strip()
            words = ""
        else:
            words += sign
    yield words.strip()


def _in_one_line(sql: str) -> str:
    return "".join(_signs(sql)).strip()


def _signs(sql: str) -> Iterator[str]:
    """Give the words and signs, with a single space where there were several, or a comment."""
    for sign in _SIGN.findall(sql):
        yield " " if sign.isspace() or sign.startswith("--") else sign

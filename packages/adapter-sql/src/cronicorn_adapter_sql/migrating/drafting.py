"""Begins a new migration: a file after the template, with what has to be said about it."""

import re
from pathlib import Path
from typing import Final

from alembic import command
from alembic.util import CommandError
from cronicorn_domain.errors import InvalidInput, StoreRefused

from cronicorn_adapter_sql.migrating.tree import OUR_TREE, read_tree

_DIGITS: Final = 4
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ,'_-]{2,79}")


def draft(message: str, *, tree: str = OUR_TREE) -> Path:
    """
    Write the file of a new migration behind the newest one, and return where it is.

    ``message`` is its first sentence, and a verb in it says what it does: "Add caps to endpoints".

    Raises:
        InvalidInput: the message cannot be the name of a migration.
        StoreRefused: the folder of the migrations cannot be written.
    """
    title = message.strip().rstrip(".")
    if _NAME.fullmatch(title) is None:
        remedy = 'say in 3 to 80 letters, digits and spaces what it does: "Add caps to endpoints"'
        raise InvalidInput(f"{message!r} is no title: {remedy}", field="message", remedy=remedy)
    migrations = read_tree(tree)
    number = f"{len(migrations.line) + 1:0{_DIGITS}d}"
    try:
        script = command.revision(migrations.config(), title, rev_id=number)
    except (OSError, CommandError) as error:
        raise StoreRefused(
            f"cannot write a migration to {migrations.folder}: {error}; work in a checkout of the"
            " sources, in which that folder can be written"
        ) from error
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)

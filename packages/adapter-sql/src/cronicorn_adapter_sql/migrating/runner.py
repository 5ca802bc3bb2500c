"""Brings a database to a revision of the schema."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Final

from alembic import command
from alembic.config import Config
from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.errors import is_about_locks, translated
from cronicorn_adapter_sql.migrating.alone import alone_in_process
from cronicorn_adapter_sql.migrating.drift import refuse_drift
from cronicorn_adapter_sql.migrating.journey import HeldUp, Journey, Patience, Tell, silently
from cronicorn_adapter_sql.migrating.sessions import be_alone
from cronicorn_adapter_sql.migrating.standing import (
    current,
    name_of,
    refuse_lacking,
    refuse_tables_of_others,
)
from cronicorn_adapter_sql.migrating.tree import (
    BASE,
    HEAD,
    OUR_TREE,
    Step,
    read_tree,
    refused_target,
)

_PATIENT: Final = Patience()

Verb = Callable[[Config, str], None]


async def upgrade(
    engine: AsyncEngine,
    *,
    target: str = HEAD,
    tree: str = OUR_TREE,
    tell: Tell = silently,
    patience: Patience = _PATIENT,
    despite_drift: bool = False,
) -> tuple[Step, ...]:
    """
    Apply the migrations up to ``target``: a revision, ``+1``, or the newest.

    Processes that upgrade at the same time wait for each other; each migration is applied once. One
    that fails leaves nothing behind; one that meets a lock is undone and tried again.

    Returns:
        What was applied, in order; nothing if the database was there already.

    Raises:
        InvalidInput: the target is no revision, or lies behind.
        SchemaMismatch: the database is at a revision that this code does not know.
        StoreRefused: something is to be applied, and the tables are not as the migrations made
            them, or nothing is, and they lack what the code needs (unless ``despite_drift``); or
            the database would not.
        StoreUnavailable: the database could not, or others held their locks for too long.
    """
    migrations = read_tree(tree)
    found = await current(engine)
    migrations.refuse_unknown(found)
    resolved = migrations.resolve(target, found=found)
    if not migrations.reaches_up(found=found, target=resolved):
        raise refused_target(target, f"it lies behind {found}, where the database is")
    if found is None:
        await refuse_tables_of_others(engine)
    elif found == migrations.head and tree == OUR_TREE and not despite_drift:
        await refuse_lacking(engine)
    journey = Journey(tree=migrations, target=resolved, tell=tell, patience=patience)
    judged = found is not None and found != resolved and not despite_drift
    return await _travel(engine, journey, command.upgrade, resolved or HEAD, judged=judged)


async def downgrade(
    engine: AsyncEngine,
    *,
    target: str,
    tree: str = OUR_TREE,
    tell: Tell = silently,
    patience: Patience = _PATIENT,
    despite_drift: bool = False,
) -> tuple[Step, ...]:
    """
    Undo the migrations down to ``target``: a revision, ``-1``, or ``base`` for an empty database.

    What ends at an empty database has to be called ``base``: a number of steps does not go there.

    Returns:
        What was undone, in order.

    Raises:
        InvalidInput: the target is no revision, lies ahead, or takes every table without the name.
        SchemaMismatch: the database is at a revision that this code does not know.
        StoreRefused: something is to be undone, and the tables are not as the migrations made them
            (unless ``despite_drift``); they are another program's; or the database would not.
        StoreUnavailable: the database could not, or others held their locks for too long.
    """
    migrations = read_tree(tree)
    found = await current(engine)
    migrations.refuse_unknown(found)
    resolved = migrations.resolve_down(target, found=found)
    if found is None:
        await refuse_tables_of_others(engine)
    if found != resolved and migrations.reaches_up(found=found, target=resolved):
        raise refused_target(target, f"it lies ahead of {found or BASE}, where the database is")
    if found == resolved:
        return ()
    journey = Journey(tree=migrations, target=resolved, tell=tell, patience=patience)
    judged = not despite_drift
    return await _travel(engine, journey, command.downgrade, resolved or BASE, judged=judged)


async def _travel(
    engine: AsyncEngine, journey: Journey, verb: Verb, target: str, *, judged: bool
) -> tuple[Step, ...]:
    """
    Go there, from wherever a lock that somebody holds has stopped the last try.

    ``judged``: only if the tables are as the migrations made them.
    """
    tries = journey.patience.tries
    for tried in count(1):
        begun = False
        try:
            if judged and not journey.done:
                await refuse_drift(engine, journey.tree, verb=verb.__name__)
            begun = True
            await _once(engine, journey, verb, target)
            break
        except (StoreUnavailable, StoreRefused) as error:
            if is_about_locks(error) and tried < tries:
                journey.tell(HeldUp(reason=str(error), tried=tried, tries=tries))
                await asyncio.sleep(journey.patience.pause.total_seconds())
                continue
            if not begun and isinstance(error, StoreRefused):
                raise
            what = "failed, and the step that failed was undone" if begun else "has not begun"
            raise type(error)(f"migrating {name_of(engine)} to {target} {what}: {error}") from error
    return tuple(journey.done)


async def _once(engine: AsyncEngine, journey: Journey, verb: Verb, target: str) -> None:
    config = journey.tree.config()
    config.attributes["journey"] = journey

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        verb(config, target)

    with translated():
        async with alone_in_process(), engine.connect() as connection:
            try:
                await be_alone(connection, journey)
                await connection.run_sync(run)
            finally:
                # Its session holds a lock and settings that are good for migrating only.
                await connection.invalidate()

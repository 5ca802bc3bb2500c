"""
A worker as a process of its own, for tests: it claims, starts and settles what is due, on command.

``python -m cronicorn_adapter_sql.testing.claiming_process URL NAME`` reads commands, a line each,
and answers each with a line of JSON: a list of ``[token, endpoint, slot, attempt]``.

- ``work NOW``: claims, starts and settles until nothing is due, and tells the runs.
- ``claim NOW``: claims once, and tells the runs.
- ``start NOW``: starts every second run of the last claim, and tells them.
- ``listen``: tells nothing, as soon as it hears what others commit.
- ``sleep NOW``: waits until something is due by then, without ever looking by itself, and goes on
  as for ``work``.
- ``die-before WORDS``: the process kills itself (SIGKILL) before a statement with these words.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.run import Response, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settlement
from sqlalchemy import event

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.vault import Vault

LEASE: Final = timedelta(seconds=10)
_BATCH: Final = 7


class ClaimingProcess:
    """What the process does on each command."""

    def __init__(self, store: SqlStore, worker: WorkerId) -> None:
        self._engine = store.engine
        self._queue = store.queue
        self._wakeups = store.wakeups
        self._worker = worker
        self._held: Sequence[ClaimedRun] = ()

    async def obey(self, command: str, argument: str) -> Sequence[ClaimedRun]:
        """Do what a line says."""
        match command:
            case "work":
                return await self._work(datetime.fromisoformat(argument))
            case "claim":
                return await self._claim(datetime.fromisoformat(argument))
            case "start":
                return await self._start(datetime.fromisoformat(argument))
            case "listen":
                self._wakeups.arm()
                await self._wakeups.wait()
                return ()
            case "sleep":
                return await self._sleep(datetime.fromisoformat(argument))
            case "die-before":
                self._die_before(argument)
                return ()
            case other:
                raise ValueError(f"{other!r} is no command")

    async def _claim(self, now: datetime) -> Sequence[ClaimedRun]:
        batch = await self._queue.claim(worker=self._worker, limit=_BATCH, lease_for=LEASE, now=now)
        self._held = batch.runs
        return batch.runs

    async def _start(self, now: datetime) -> Sequence[ClaimedRun]:
        started = self._held[::2]
        await self._queue.start([run.lease.token for run in started], now=now)
        return started

    async def _work(self, now: datetime) -> Sequence[ClaimedRun]:
        done: list[ClaimedRun] = []
        while runs := await self._claim(now):
            tokens = [run.lease.token for run in runs]
            await self._queue.start(tokens, now=now)
            outcome = Succeeded(response=Response(status_code=200))
            await self._queue.settle(
                [
                    Settlement(token=token, started_at=now, ended_at=now, outcome=outcome)
                    for token in tokens
                ],
                now=now,
            )
            done += runs
        return done

    async def _sleep(self, now: datetime) -> Sequence[ClaimedRun]:
        self._wakeups.arm()
        while not (done := await self._work(now)):
            await self._wakeups.wait()
            self._wakeups.arm()
        return done

    def _die_before(self, words: str) -> None:
        def look(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
            if words in statement:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(self._engine.sync_engine, "before_cursor_execute", look)


def _told(runs: Sequence[ClaimedRun]) -> str:
    return json.dumps(
        [
            [
                run.lease.token,
                str(run.endpoint.id),
                run.plan.decision.slot.isoformat(),
                run.plan.attempt,
            ]
            for run in runs
        ]
    )


async def _main(url: str, name: str) -> None:
    async with open_store(parse_database_url(url), vault=Vault(Keyring())) as store:
        process = ClaimingProcess(store, WorkerId(name))
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, _, argument = line.strip().partition(" ")
            sys.stdout.write(f"{_told(await process.obey(command, argument))}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:3]))

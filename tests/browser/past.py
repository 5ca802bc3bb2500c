"""
A past for the dashboard to show: written through the real store, at the instants it happened.

``python -m tests.browser.past FOLDER`` fills the database in a folder, for whoever wants to look.
"""

import asyncio
import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.roll_ups import values_of_roll_up
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.tables import roll_ups
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.identity import (
    AuditId,
    RunId,
    SessionId,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.instants import OPEN_ENDED, floor_millisecond
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, HttpRequest, Pause, Retry
from cronicorn_domain.model.hint import Author
from cronicorn_domain.model.proposal import ProposeInterval
from cronicorn_domain.model.rules import EndpointRule, Every, RuleSet
from cronicorn_domain.model.run import (
    Body,
    BodyKind,
    Failed,
    FailureKind,
    Outcome,
    OutcomeClass,
    Response,
    Run,
    RunStatus,
)
from cronicorn_domain.model.session import MadeCall
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.testing.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_oneshot,
    a_settlement,
    a_trigger,
    an_endpoint,
    an_interval_hint,
    cron,
    every,
    succeeded,
)
from cronicorn_domain.testing.session_log_contract import a_session, a_suggestion
from sqlalchemy import insert

from tests.browser.served import SECRET_KEY
from tests.browser.world import HOSTILE

DENSE_RUNS = 10_000
DENSE_STEP = 10 * SECOND
_SUMS = ("runs", "timed_runs", "duration", "lateness")


@dataclass(frozen=True, kw_only=True)
class Past:
    """Ids of endpoints that have one."""

    adapting: str
    dense: str
    never: str
    quiet: str
    session: str
    dense_failed: int = 1


@dataclass(frozen=True, kw_only=True)
class Played:
    """How a run goes: how late it starts, how long it lasts, what comes of it."""

    outcome: Outcome
    lasts: timedelta = 300 * timedelta(milliseconds=1)
    late: timedelta = timedelta(milliseconds=20)
    lost: bool = False


class Player:
    """Has endpoints run at the instants at which they would have, through the real store."""

    def __init__(self, store) -> None:
        self.store = store
        self.queue: EndpointQueue = store.queue

    async def add(self, job, endpoint: Endpoint) -> Endpoint:
        """Keep an endpoint."""
        async with self.store.units.begin() as unit:
            await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
            await unit.commit()
        return endpoint

    async def play(
        self,
        endpoint: Endpoint,
        until: datetime,
        how: Callable[[datetime, int], Played],
        deeds: Sequence[tuple[datetime, Callable]] = (),
    ) -> None:
        """Have it run until an instant; deeds are done each at its own."""
        waiting = sorted(deeds, key=lambda each: each[0])
        while True:
            plan = await self._plan(endpoint)
            due = until if plan is None else max(plan[0], endpoint.created_at)
            if waiting and waiting[0][0] <= due:
                at, deed = waiting.pop(0)
                await deed(at)
                continue
            if plan is None or due >= until:
                return
            await self._fire(due, how)

    async def _plan(self, endpoint: Endpoint):
        async with self.store.units.begin() as unit:
            situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)
        found, pause = situation.state.next_plan, situation.endpoint.pause
        if found is None:
            return None
        due = found.decision.due_at
        if pause is not None and pause.until > due:
            due = pause.until
        return None if due >= OPEN_ENDED else (due, found)

    async def _fire(self, due: datetime, how: Callable[[datetime, int], Played]) -> None:
        batch = await self.queue.claim(
            worker=WorkerId("w1"), limit=1, lease_for=10 * SECOND, now=due
        )
        assert batch.runs, f"nothing was due at {due}"
        run = batch.runs[0]
        played = how(run.plan.decision.slot, run.plan.attempt)
        started = due + played.late
        await self.queue.start([run.lease.token], now=started)
        if played.lost:
            await self.queue.reap(limit=10, now=run.lease.until + SECOND)
            return
        ended = started + played.lasts
        settlement = a_settlement(
            run.lease.token, started_at=started, ended_at=ended, outcome=played.outcome
        )
        await self.queue.settle([settlement], now=ended)


def _depth(slot: datetime, began: datetime) -> int:
    """How long the queue is: quiet, then a flood for three hours in the middle of the day."""
    hours = (slot - began) / HOUR
    flood = math.exp(-(((hours - 15.5) / 1.3) ** 2)) * 180
    return round(30 + 18 * math.sin(hours * 1.7) + flood + (slot.minute * 7) % 9)


def _answer(depth: int) -> Outcome:
    body = {
        "queue": {"depth": depth, "oldest_seconds": depth * 2, "name": "orders"},
        "workers": [{"id": "a", "busy": depth > 40}, {"id": "b", "busy": depth > 90}],
        "ok": True,
        "note": "<b>not bold</b> & \u202eodd",
    }
    return succeeded(json.dumps(body), kind=BodyKind.JSON)


def down(status: int = 503) -> Outcome:
    """Return what a target answers that is down."""
    response = Response(
        status_code=status,
        headers=(("Content-Type", "application/json"), ("Retry-After", "30")),
        body=Body(kind=BodyKind.JSON, text='{"error": "database is down"}'),
    )
    return Failed(
        kind=FailureKind.HTTP_STATUS, message=f"the target answered {status}", response=response
    )


async def fill(database: Path, *, now: datetime, dense: int = DENSE_RUNS) -> Past:
    """Fill a database with a past that ends now."""
    now = floor_millisecond(now)
    url = parse_database_url(f"sqlite:///{database}")
    vault = vault_for(url, secret_key=SECRET_KEY)
    async with open_engine(url, application_name="tests") as engine:
        await upgrade(engine)
    async with open_store(url, vault=vault) as store:
        player = Player(store)
        began = floor_millisecond(now - DAY).replace(minute=0, second=0, microsecond=0)
        job = a_job("shop floor", created_at=began - DAY)
        async with store.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.commit()
        adapts = await adapting(player, job, began, now)
        many = await dense_endpoint(store, player, job, now, dense)
        never = await player.add(
            job,
            an_endpoint(job, "month-end-report", schedule=cron("0 5 1 * *"), created_at=now),
        )
        rests = await quiet(player, job, now)
        return Past(
            adapting=str(adapts.id),
            dense=str(many.id),
            never=str(never.id),
            quiet=str(rests.id),
            session=str(await _session(store, adapts, now)),
        )


def past_in(folder: Path) -> Past:
    """Fill a folder's database in a process of its own: a browser has the loop of this one."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.browser.past", str(folder)]
    told = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return Past(**json.loads(told.stdout))


async def adapting(
    player: Player, job, began: datetime, now: datetime, *, url: str = "http://93.184.216.34/queue"
) -> Endpoint:
    """One that rules, AI and people have sped up, slowed down and paused."""
    rules = RuleSet(
        rules=(
            EndpointRule(when="body.queue.depth > 100", then=(Every(2 * MINUTE),), reason="long"),
        )
    )
    endpoint = await player.add(
        job,
        an_endpoint(
            job,
            "order-queue",
            schedule=every(5 * MINUTE),
            created_at=began,
            request=HttpRequest(url=url),
            guardrails=Guardrails(shortest=MINUTE, longest=15 * MINUTE),
            retry=Retry(attempts=2, backoff=5 * SECOND, backoff_most=10 * SECOND),
            rules=rules,
        ),
    )

    def at(hours: float) -> datetime:
        return began + hours * HOUR

    def hint(length: timedelta, life: timedelta, author: Author, reason: str):
        async def write(when: datetime) -> None:
            given = an_interval_hint(
                length, created_at=when, life=life, author=author, reason=reason
            )
            async with player.store.units.begin() as unit:
                await unit.hints.offer(endpoint.tenant, endpoint.id, given, now=when)
                await unit.commit()

        return write

    async def oneshot(when: datetime) -> None:
        given = a_oneshot(when + 7 * MINUTE, created_at=when, author=Author.AI, reason="look again")
        async with player.store.units.begin() as unit:
            await unit.hints.offer(endpoint.tenant, endpoint.id, given, now=when)
            await unit.commit()

    async def clear(when: datetime) -> None:
        async with player.store.units.begin() as unit:
            await unit.hints.clear(endpoint.tenant, endpoint.id, now=when)
            await unit.commit()

    async def by_hand(when: datetime) -> None:
        async with player.store.units.begin() as unit:
            await unit.hints.trigger(endpoint.tenant, endpoint.id, a_trigger(when), now=when)
            await unit.commit()

    async def pause(when: datetime) -> None:
        until = when + 50 * MINUTE
        async with player.store.units.begin() as unit:
            await unit.catalog.pause_endpoint(
                endpoint.tenant, endpoint.id, Pause(until=until, reason="a move"), now=when
            )
            after = f"{until.isoformat(timespec='milliseconds')[:-6]}Z (a move)"
            await unit.audit.add(
                AuditEntry(
                    id=AuditId(new_uuid()),
                    tenant=endpoint.tenant,
                    at=when,
                    actor="person:ada@example.org",
                    action="pause",
                    subject=Subject(kind=SubjectKind.ENDPOINT, id=endpoint.id, name=endpoint.name),
                    changes=(FieldChange(field="paused", before=None, after=after),),
                )
            )
            await unit.commit()

    def how(slot: datetime, attempt: int) -> Played:
        hours = (slot - began) / HOUR
        depth = _depth(slot, began)
        lasts = timedelta(milliseconds=180 + depth * 9)
        if 6.0 <= hours < 6.5:
            return Played(outcome=down(), lasts=4200 * timedelta(milliseconds=1))
        if 2.0 <= hours < 2.05 and attempt == 1:
            return Played(outcome=down(500), lasts=lasts)
        if 20.4 <= hours < 20.48 and attempt == 1:
            return Played(outcome=_answer(depth), lost=True)
        if 18.0 <= hours < 18.6:
            return Played(
                outcome=_answer(depth), lasts=lasts, late=(10 + 40 * (hours - 18)) * SECOND
            )
        return Played(outcome=_answer(depth), lasts=lasts)

    await player.play(
        endpoint,
        now,
        how,
        [
            (at(4.3), by_hand),
            (at(8.2), pause),
            (at(14.0), hint(2 * MINUTE, 3 * HOUR, Author.RULE, "the queue is long")),
            (at(14.7), hint(30 * SECOND, 90 * MINUTE, Author.AI, "queue above 100 and rising")),
            (at(17.2), hint(12 * MINUTE, 4 * HOUR, Author.AI, "the queue is empty")),
            (at(19.2), clear),
            (at(21.0), oneshot),
            (now - 40 * MINUTE, hint(3 * MINUTE, 3 * HOUR, Author.API, "watching it tonight")),
            (now - 20 * MINUTE, hint(10 * MINUTE, 2 * HOUR, Author.AI, "it is calm")),
        ],
    )
    return endpoint


async def _session(store, endpoint: Endpoint, now: datetime) -> SessionId:
    """What AI has made of an endpoint, and one suggestion that waits; it quotes what is hostile."""
    plain = a_session(endpoint, now - 20 * MINUTE, tokens=1000)
    session = replace(
        plain,
        calls=(*plain.calls, MadeCall(tool=HOSTILE, arguments="{cut", result=HOSTILE)),
        reasoning=f"The queue was long three times in a row, and is empty now. {HOSTILE}",
    )
    proposal = ProposeInterval(every=10 * MINUTE, life=HOUR, reason=f"it is calm {HOSTILE}")
    async with store.units.begin() as unit:
        await unit.sessions.append(session, [a_suggestion(session, proposal)])
        await unit.commit()
    return session.id


async def quiet(player: Player, job, now: datetime) -> Endpoint:
    """One that somebody has paused three hours ago."""
    endpoint = await player.add(
        job,
        an_endpoint(
            job,
            "quiet-hours",
            schedule=cron("*/15 * * * *", timezone="Europe/Berlin"),
            created_at=now - 6 * HOUR,
        ),
    )
    await player.play(endpoint, now - 3 * HOUR, lambda *_: Played(outcome=_answer(3)))

    async with player.store.units.begin() as unit:
        await unit.catalog.pause_endpoint(
            endpoint.tenant, endpoint.id, Pause(until=OPEN_ENDED), now=now - 3 * HOUR
        )
        await unit.commit()
    return endpoint


async def dense_endpoint(store, player: Player, job, now: datetime, count: int) -> Endpoint:
    """Ten thousand runs, of which one failed: written as settles count them, and as rows."""
    began = floor_millisecond(now - count * DENSE_STEP)
    endpoint = await player.add(
        job, an_endpoint(job, "ticker", schedule=every(DENSE_STEP), created_at=began)
    )
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for number in range(count):
        run = _dense_run(endpoint, began, number)
        assert run.finished_at is not None
        counted = values_of_roll_up(run, run.finished_at)
        assert counted is not None
        key = tuple(value for name, value in counted.items() if name not in _SUMS)
        row = rows.setdefault(key, {**counted, **dict.fromkeys(_SUMS, 0)})
        for name in _SUMS:
            row[name] += counted[name]
    async with store.engine.begin() as connection:
        await connection.execute(insert(roll_ups), [*rows.values()])
    async with store.units.begin() as unit:
        await unit.catalog.pause_endpoint(
            endpoint.tenant, endpoint.id, Pause(until=OPEN_ENDED), now=now - SECOND
        )
        await unit.commit()
    return endpoint


def _dense_run(endpoint: Endpoint, began: datetime, number: int) -> Run:
    slot = began + number * DENSE_STEP
    bad = number == 6_000
    return Run(
        id=RunId(new_uuid()),
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        decision=Decision(slot=slot, due_at=slot, source=Source.BASELINE_INTERVAL),
        kind=Kind.RECURRING,
        attempt=1,
        worker=WorkerId("w1"),
        claimed_at=slot,
        status=RunStatus.FAILED if bad else RunStatus.SUCCESS,
        started_at=slot + timedelta(milliseconds=12),
        finished_at=slot + timedelta(milliseconds=140 + number % 60),
        outcome_class=OutcomeClass.TARGET if bad else OutcomeClass.SUCCESS,
        failure_kind=FailureKind.HTTP_STATUS if bad else None,
    )


def main() -> None:
    """Fill a folder's database."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    past = asyncio.run(fill(folder / "cronicorn.db", now=datetime.now(UTC)))  # noqa: TID251
    sys.stdout.write(json.dumps(asdict(past)))


if __name__ == "__main__":
    main()

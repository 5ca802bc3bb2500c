"""The life of a worker: read the file, open the store, apply, work, drain, tell how it went."""

import asyncio
import gc
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.supervising import PartDied

from cronicorn_worker.composition import Store, egress_guard, open_scheduler, open_store
from cronicorn_worker.demo.jobs import demo_jobs, retire
from cronicorn_worker.demo.target import open_shop
from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.jobs_file.applying import apply_jobs
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.file_text import file_text
from cronicorn_worker.jobs_file.reading import read_jobs
from cronicorn_worker.settings import WorkerSettings, process_environment
from cronicorn_worker.signals import Requests, stop_requests
from cronicorn_worker.watching.showing import Show, open_show
from cronicorn_worker.watching.slots_not_run import SlotsNotRun, slots_not_run
from cronicorn_worker.watching.standings import standings
from cronicorn_worker.watching.summary import Summary

DEFAULT_DATABASE = "sqlite:///cronicorn.db"
_ALLOCATIONS_BETWEEN_COLLECTIONS: Final = 20_000
NEXT_STEPS = (
    "there is nothing to run yet: look around with --demo, or write a jobs file and start with"
    " --jobs FILE; the README shows one"
)


async def run(settings: WorkerSettings) -> None:
    """
    Work until a signal, or the time that was asked for, ends it, and drain.

    Raises:
        JobsFileRefused: the jobs file cannot be applied; no database was opened.
        InvalidInput: the database URL, a key or the allow-list is malformed.
        StoreError: the database cannot be opened, or refused the jobs.
        WorkerFault: the scheduler could not go on, or abandoned runs when it stopped.
        CancelledError: it was asked to stop before there was anything to drain.
    """
    task = asyncio.current_task()
    assert task is not None
    with stop_requests(task.cancel) as requests:
        if settings.demo:
            await _run_demo(settings, requests)
        else:
            await _run_jobs(settings, requests)


async def _run_jobs(settings: WorkerSettings, requests: Requests) -> None:
    guard = egress_guard(settings.egress_allow)
    jobs = None if settings.jobs is None else _jobs_of(settings.jobs, guard)
    url = _database(settings)
    url = DEFAULT_DATABASE if url is None else url
    async with open_store(url, _key(settings)) as store:
        show = open_show(settings, store=store.name, clock=store.clock)
        if jobs is not None:
            await _apply(jobs, store, show, prune=settings.prune)
        elif await _is_empty(store):
            show.tell("store_empty", {"hint": NEXT_STEPS})
        async with open_scheduler(store, guard, settings.concurrency, show) as scheduler:
            requests.lead_to(scheduler.request_stop)
            await _work(scheduler, store, show, settings.run_for)


async def _run_demo(settings: WorkerSettings, requests: Requests) -> None:
    with _demo_database(settings) as url:
        async with open_store(url, _key(settings)) as store:
            show = open_show(settings, store=store.name, clock=store.clock)
            async with open_shop(store.clock, show.tell_phase) as shop:
                guard = egress_guard((*settings.egress_allow, shop))
                jobs = demo_jobs(shop, now=store.clock.now(), rules=guard)
                await _apply(jobs, store, show)
                async with open_scheduler(store, guard, settings.concurrency, show) as scheduler:
                    requests.lead_to(scheduler.request_stop)
                    await _work(scheduler, store, show, settings.run_for)
            # In a database that stays, nothing must go on asking a shop that is closed.
            await retire(jobs, units=store.units, clock=store.clock, tenant=DEFAULT_TENANT)


def _jobs_of(path: Path, rules: EgressRules) -> tuple[DesiredJob, ...]:
    return read_jobs(file_text(path), file=str(path), environ=process_environment(), rules=rules)


async def _apply(
    jobs: tuple[DesiredJob, ...], store: Store, show: Show, *, prune: bool = False
) -> None:
    applied = await apply_jobs(
        jobs, units=store.units, clock=store.clock, tenant=DEFAULT_TENANT, prune=prune
    )
    show.tell("jobs_applied", applied.fields())


async def _is_empty(store: Store) -> bool:
    found, _ = await standings(store.units, store.clock, DEFAULT_TENANT, limit=1)
    return not found


async def _work(scheduler: Scheduler, store: Store, show: Show, run_for: timedelta | None) -> None:
    """Let the scheduler work, with the show beside it, and tell how it went however it ended."""
    began = store.clock.now()
    _leave_alone_what_stays()
    beside = [show.keep_up(store.units, store.clock, DEFAULT_TENANT)]
    if run_for is not None:
        beside.append(_stop_after(run_for, scheduler, store.clock))
    try:
        async with _beside(*beside):
            await scheduler.run()
    except PartDied as death:
        raise WorkerFault(str(death), "Report it with the log lines before it") from death
    finally:
        await _conclude(store, show, began)
    if abandoned := show.tally.abandoned:
        raise WorkerFault(
            f"not drained: {abandoned} run{'' if abandoned == 1 else 's'} had not ended and been"
            " settled, and were abandoned",
            "Another worker, or this one when it starts again, repeats or records them. To let"
            " running requests finish, stop with one signal, and wait up to 30 s",
        )


def _leave_alone_what_stays() -> None:
    """
    Keep the garbage collector from going through modules and stores again and again.

    They live as long as the process. A run's own objects go when the last name for them does;
    the collector is for the few circles among them, and may come less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)


async def _conclude(store: Store, show: Show, began: datetime) -> None:
    not_run: SlotsNotRun | None = None
    with suppress(StoreError):
        not_run = await slots_not_run(store.units, DEFAULT_TENANT, began)
    worked_for = store.clock.now() - began
    show.conclude(Summary(worked_for=worked_for, tally=show.tally, not_run=not_run))


async def _stop_after(length: timedelta, scheduler: Scheduler, clock: Clock) -> None:
    await scheduler.first_claim()
    await clock.sleep_until(clock.now() + length)
    scheduler.request_stop()


@asynccontextmanager
async def _beside(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run works beside the block, and end them with it. One that fails fails alone, and is told."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "the view failed; the work did not", "exception": result}
                )


def _database(settings: WorkerSettings) -> str | None:
    return None if settings.database is None else settings.database.get_secret_value()


def _key(settings: WorkerSettings) -> str | None:
    return None if settings.secret_key is None else settings.secret_key.get_secret_value()


@contextmanager
def _demo_database(settings: WorkerSettings) -> Iterator[str]:
    """Give the database that was named, or one that is gone at the end of the block."""
    named = _database(settings)
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="cronicorn-demo-") as folder:
        yield f"sqlite:///{folder}/demo.db"

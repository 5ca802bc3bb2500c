"""The life of a worker: read the file, open the store, apply, work, drain, tell how it went."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_management.allowance import Allowance
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_planner.sessions.choosing import NONE_CHOSEN
from cronicorn_scheduler.opening import Opening

from cronicorn_worker.composition import (
    Store,
    checked_conditions,
    desk_over,
    egress_guard,
    open_meters,
    open_scheduler,
    open_store,
)
from cronicorn_worker.demo.jobs import demo_jobs, retire
from cronicorn_worker.demo.target import open_shop
from cronicorn_worker.jobs_file.applying import apply_jobs
from cronicorn_worker.jobs_file.caller import file_caller
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.file_text import file_text
from cronicorn_worker.jobs_file.reading import read_jobs
from cronicorn_worker.processes.crew import Crew
from cronicorn_worker.processes.process import Process
from cronicorn_worker.settings import WorkerSettings, process_environment
from cronicorn_worker.signals import Requests, stop_requests
from cronicorn_worker.watching.opening_lines import OpeningLines, Tell, told_before_a_show
from cronicorn_worker.watching.showing import Show, open_show
from cronicorn_worker.watching.standings import standings
from cronicorn_worker.working import see_through

if TYPE_CHECKING:
    from cronicorn_metering.meters import Meters

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
        StoreError: the database cannot be opened, and waiting would not help, or refused the jobs.
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
    jobs = None if settings.jobs is None else _jobs_of(settings.jobs, guard, settings.allowance)
    tell = told_before_a_show(settings)
    opening = Opening(OpeningLines(tell))
    async with (
        _meters_of_one(settings, tell) as meters,
        opening.opened(
            lambda: open_store(
                settings.database_url,
                settings.key,
                poll_only=settings.poll_only,
                floor=settings.allowance.floor,
                tell=tell,
            )
        ) as store,
    ):
        show = open_show(settings, store=store.name, clock=store.clock)

        async def prepare_once() -> None:
            if jobs is not None:
                caller = file_caller(str(settings.jobs))
                desk = desk_over(store, guard, settings.allowance)
                await _apply(jobs, desk, caller, show, prune=settings.prune)
            elif await _is_empty(store):
                show.tell("store_empty", {"hint": NEXT_STEPS})

        async def prepare() -> None:
            # What was applied before an outage stands, and applied again it changes nothing.
            await Opening(OpeningLines(show.tell)).answered(prepare_once)

        if settings.processes > 1:
            start = Process.started_with(settings)
            crew = Crew(settings.processes, start, store.clock, show, prepare=prepare)
            requests.lead_to(crew.request_stop)
            tell_of_planner(settings, show)
            await see_through(crew, store, show, settings.run_for)
            return
        tell_of_planner(settings, show)
        await prepare()
        async with open_scheduler(store, guard, show, settings, meters=meters) as scheduler:
            requests.lead_to(scheduler.request_stop)
            await see_through(scheduler, store, show, settings.run_for)


def _meters_of_one(
    settings: WorkerSettings, tell: Tell
) -> AbstractAsyncContextManager["Meters | None"]:
    """Serve what is asked for, unless there are several processes: each serves its own then."""
    return nullcontext() if settings.processes > 1 else open_meters(settings, tell)


async def _run_demo(settings: WorkerSettings, requests: Requests) -> None:
    tell = told_before_a_show(settings)
    with _demo_database(settings) as url:
        async with (
            _meters_of_one(settings, tell) as meters,
            Opening(OpeningLines(tell)).opened(
                lambda: open_store(url, settings.key, poll_only=settings.poll_only)
            ) as store,
        ):
            show = open_show(settings, store=store.name, clock=store.clock)
            async with open_shop(store.clock, show.tell_phase) as shop:
                guard = egress_guard((*settings.egress_allow, shop))
                jobs = demo_jobs(
                    shop, now=store.clock.now(), rules=guard, conditions=checked_conditions()
                )
                desk, caller = desk_over(store, guard), file_caller("demo")
                await _apply(jobs, desk, caller, show)
                async with open_scheduler(store, guard, show, settings, meters=meters) as scheduler:
                    requests.lead_to(scheduler.request_stop)
                    await see_through(scheduler, store, show, settings.run_for)
            # In a database that stays, nothing must go on asking a shop that is closed.
            await retire(jobs, desk=desk, caller=caller)


def tell_of_planner(settings: WorkerSettings, show: Show) -> None:
    """Say once whether a model looks at endpoints that allow it."""
    chosen = settings.chosen_model
    if chosen is None:
        show.tell("planner_off", {"hint": NONE_CHOSEN})
    else:
        show.tell("planner_on", {"model": chosen.planner.model})


def _jobs_of(path: Path, rules: EgressRules, allowance: Allowance) -> tuple[DesiredJob, ...]:
    return read_jobs(
        file_text(path),
        file=str(path),
        environ=process_environment(),
        rules=rules,
        conditions=checked_conditions(),
        floor=allowance.floor,
    )


async def _apply(
    jobs: tuple[DesiredJob, ...], desk: Desk, caller: Caller, show: Show, *, prune: bool = False
) -> None:
    applied = await apply_jobs(jobs, desk=desk, caller=caller, prune=prune)
    show.tell("jobs_applied", applied.fields())


async def _is_empty(store: Store) -> bool:
    found, _ = await standings(store.units, store.clock, DEFAULT_TENANT, limit=1)
    return not found


@contextmanager
def _demo_database(settings: WorkerSettings) -> Iterator[str]:
    """Give the database that was named, or one that is gone at the end of the block."""
    if settings.database is not None:
        yield settings.database_url
        return
    with tempfile.TemporaryDirectory(prefix="cronicorn-demo-") as folder:
        yield f"sqlite:///{folder}/demo.db"

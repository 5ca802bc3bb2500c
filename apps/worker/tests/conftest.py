"""What the worker's tests share: an environment with nothing set, and a jobs file's reader."""

import logging
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_sql.testing.databases import emptied_postgres, migrated_postgres
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    AlertId,
    EndpointId,
    JobId,
    NoticeId,
    RunId,
    Token,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.model.alert import Notice, Occasion
from cronicorn_domain.model.decision import Decision, Kind, Plan, Source
from cronicorn_domain.model.endpoint import Endpoint, Header, HttpRequest
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import Outcome, Response, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Reaped, Settlement
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, a_job, an_endpoint
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    EndpointWithheld,
    Event,
    HistoryPruned,
    LeaseWasLost,
    NoticeNotTold,
    NoticeTold,
    PartFailed,
    ReleaseReason,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunClaimed,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
    SchedulerDraining,
    SchedulerStarted,
    SchedulerStopped,
    SlotsPassed,
    StoreRecovered,
    StoreWentAway,
)
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.reading import read_jobs

Read = Callable[..., tuple[DesiredJob, ...]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty current directory and an environment without any option of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("CRONICORN_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give a PostgreSQL server for the whole run."""
    with throwaway_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres_database(postgres_server: str) -> Iterator[str]:
    """Give the migrated PostgreSQL database that tests use one after another."""
    with migrated_postgres(postgres_server) as url:
        yield url


@pytest.fixture
def postgres(migrated_postgres_database: str) -> Iterator[str]:
    """Give the URL of a migrated PostgreSQL database that the test has to itself, empty."""
    with emptied_postgres(migrated_postgres_database) as url:
        yield url


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Put the process's logging back to what it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def read() -> Read:
    """Read the text of a jobs file in which every URL is let out; keywords are the environment."""

    def reader(text: str, **environ: str) -> tuple[DesiredJob, ...]:
        return read_jobs(
            text,
            file="jobs.yaml",
            environ=environ,
            rules=EveryUrlAllowed(),
            conditions=CelRuleEvaluator(),
        )

    return reader


class Runs:
    """Makes what a scheduler tells about: claimed runs and how they ended, a second late."""

    def __init__(self) -> None:
        self._tokens = count(1)
        self._jobs: dict[JobId, Job] = {}

    def claimed(
        self,
        name: str = "health",
        *,
        secret: str = "",
        endpoint: Endpoint | None = None,
        source: Source = Source.BASELINE_INTERVAL,
    ) -> ClaimedRun:
        """Return a claimed run of an endpoint, or of a new one, that is due at the epoch."""
        endpoint = endpoint or self._endpoint(name, secret)
        decision = Decision(slot=EPOCH, due_at=EPOCH, source=source)
        lease = Lease(
            token=Token(next(self._tokens)),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            run_id=RunId(new_uuid()),
            worker=WorkerId("w"),
            until=EPOCH + MINUTE,
        )
        plan = Plan(decision=decision, kind=Kind.RECURRING)
        return ClaimedRun(lease=lease, endpoint=endpoint, plan=plan)

    def _endpoint(self, name: str, secret: str) -> Endpoint:
        headers = (Header(name="Authorization", value=secret),) if secret else ()
        request = HttpRequest(url="http://shop.example/health", headers=headers, body=secret)
        job = a_job(f"job of {name}")
        self._jobs[job.id] = job
        return an_endpoint(job, name, request=request)

    def job_of(self, run: ClaimedRun) -> Job:
        """Return the job of a claimed run's endpoint."""
        return self._jobs[run.endpoint.job_id]

    def started(self, run: ClaimedRun, late: timedelta = SECOND) -> RunStarted:
        """Return its start."""
        return RunStarted(run=run, started_at=EPOCH + late)

    def settled(
        self, run: ClaimedRun, outcome: Outcome | None = None, late: timedelta = SECOND
    ) -> RunSettled:
        """Return its end, two seconds after its start."""
        settlement = Settlement(
            token=run.lease.token,
            started_at=EPOCH + late,
            ended_at=EPOCH + late + 2 * SECOND,
            outcome=outcome or Succeeded(response=Response(status_code=200)),
        )
        return RunSettled(run=run, settlement=settlement)


@pytest.fixture
def runs() -> Runs:
    """Give a maker of runs."""
    return Runs()


@pytest.fixture
def every_event(runs: Runs) -> list[Event]:
    """Give an event of every kind there is, about endpoints whose secret is `hunter2`."""
    secret = "hunter2"
    run = runs.claimed(secret=secret)
    settled = runs.settled(run)
    error = RuntimeError(secret)
    endpoint_id, worker = EndpointId(new_uuid()), WorkerId("w")
    reaped = Reaped(
        token=Token(1),
        endpoint_id=endpoint_id,
        tenant=DEFAULT_TENANT,
        run_id=RunId(new_uuid()),
        worker=worker,
        given_back=True,
    )
    a_notice = Notice(
        id=NoticeId(new_uuid()),
        alert_id=AlertId(new_uuid()),
        tenant=DEFAULT_TENANT,
        occasion=Occasion.FAILING,
        at=EPOCH,
        endpoint_id=endpoint_id,
        message=secret,
    )
    return [
        RunClaimed(run=run),
        runs.started(run),
        settled,
        RunReleased(run=run, reason=ReleaseReason.PAUSED),
        LeaseWasLost(run=run),
        RunAbandoned(run=run),
        ResultDropped(run=run, settlement=settled.settlement),
        RunBroken(run=run, error=error),
        RunReaped(reaped=reaped),
        SlotsPassed(count=3),
        EndpointQuarantined(endpoint_id=endpoint_id, reason="its cron has lost a field"),
        EndpointWithheld(endpoint_id=endpoint_id, reason="its cron has lost a field"),
        EndpointHealed(endpoint_id=endpoint_id),
        HistoryPruned(runs=1, slot_records=2),
        StoreWentAway(part="claiming", error=StoreUnavailable("no answer")),
        StoreRecovered(lasted=timedelta(seconds=3)),
        PartFailed(part="reaping", error=error, in_a_row=1),
        NoticeTold(notice=a_notice),
        NoticeNotTold(notice=a_notice, reason="busy", tries=1, given_up=False),
        SchedulerStarted(worker=worker),
        SchedulerDraining(held=2),
        SchedulerStopped(worker=worker),
    ]

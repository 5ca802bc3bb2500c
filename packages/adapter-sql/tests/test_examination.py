"""The examination of a SQL store keeps the contract, and sees each fault that was planted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import pytest
from cronicorn_domain.model.finding import Ailment, Finding, Mending
from cronicorn_domain.policies.diagnosing import (
    room_missing,
    sums_that_differ,
    transactions_too_old,
)
from cronicorn_domain.ports.examination import StrayEntry
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_interval_hint,
    at,
    failed,
)
from cronicorn_domain.testing.examination_contract import (
    LIMIT,
    ExaminationContract,
    ExaminedStore,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

NOON = at("12:00:30")


class SqlHandle(ExaminedStore, Protocol):
    """A store, and the engine under it."""

    engine: AsyncEngine


class TestSqlExamination(ExaminationContract):
    """The examination of SQLite and PostgreSQL."""

    @pytest.fixture
    async def store(self, sql_store: SqlHandle) -> ExaminedStore:
        """Provide an empty store on SQL."""
        self.sql = sql_store
        return sql_store

    async def plant(self, statement: str, **values: object) -> None:
        """Do to the database what no part of the system does."""
        async with self.sql.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def only(self, ailment: Ailment, now: datetime = NOON) -> Finding:
        """Examine, and expect findings of one sort, with a remedy; return the first."""
        found = await self.findings(now)
        assert {each.ailment for each in found} == {ailment}, found
        assert all(each.remedy.endswith(".") for each in found)
        return found[0]

    async def mend(self, finding: Finding) -> None:
        """Plan the endpoint of a finding anew, or take its place out, and see that all is well."""
        assert finding.endpoint_id is not None
        if finding.mending is Mending.TAKE_OUT:
            assert finding.due_at is not None
            stray = StrayEntry(endpoint_id=finding.endpoint_id, due_at=finding.due_at)
            await self.given.examination.take_out([stray])
        else:
            assert finding.mending is Mending.REPLAN
            assert await self.given.examination.replan([finding.endpoint_id], now=NOON) == 1
        assert await self.findings(NOON) == []

    async def test_a_slot_that_nobody_takes_is_found(self) -> None:
        """Whether a worker is alive decides about the remedy."""
        await self.add_minutely()

        finding = await self.only(Ailment.SLOT_OVERDUE, at("12:02:30"))

        assert "has been due for 1 min 30 s" in finding.what
        assert finding.remedy == "No worker is alive: start one on this database."

    async def test_a_lease_of_a_lost_worker_is_found(self) -> None:
        """While it lasts by its worker, and after its end by itself."""
        await self.add_minutely()
        run = await self.start_one(at("12:01:00"))

        gone = await self.only(Ailment.WORKER_GONE, at("12:01:05"))
        assert f"held by worker {run.lease.worker}, which is not known" in gone.what
        over = await self.only(Ailment.LEASE_PAST_ITS_END, at("12:01:30"))
        assert "ran out 20 s ago" in over.what
        assert over.mending is Mending.REAP
        await self.reap(at("12:01:30"))
        assert await self.findings(at("12:01:31")) == []

    async def test_a_run_without_its_lease_is_found(self) -> None:
        """Somebody deleted the lease by hand, and the plan stands as if it were never claimed."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.plant("DELETE FROM leases")
        await self.given.examination.replan([endpoint.id], now=at("12:01:05"))

        finding = await self.only(Ailment.RUN_LEFT_OPEN, at("12:01:10"))

        assert str(run.lease.run_id) in finding.subject

    async def test_an_endpoint_out_of_the_queue_is_found_and_mended(self) -> None:
        """It would never run again, and nothing else would tell."""
        await self.add_minutely()
        await self.plant("DELETE FROM due")

        finding = await self.only(Ailment.NOT_QUEUED)

        assert "is planned for 2025-01-01 12:01:00 UTC, and not in the queue" in finding.what
        await self.mend(finding)
        assert await self.queue.next_due() == at("12:01:00")

    async def test_a_plan_that_the_governor_did_not_make_is_found_and_mended(self) -> None:
        """A schedule that was edited by hand goes by its old plan."""
        endpoint = await self.add_minutely()
        await self.plant("UPDATE endpoints SET every = 2 * every")

        finding = await self.only(Ailment.PLAN_DIFFERS)

        assert finding.endpoint_id == endpoint.id
        assert "12:01:00 UTC, and the governor says 2025-01-01 12:02:00 UTC" in finding.what
        await self.mend(finding)
        assert await self.queue.next_due() == at("12:02:00")

    async def test_a_hint_past_its_life_is_found_and_mended(self) -> None:
        """What it planned is still queued, although it has ended."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, an_interval_hint(40 * SECOND))
        await self.plant("UPDATE hints SET expires_at = :at", at=self._stored(at("12:00:20")))

        finding = await self.only(Ailment.HINT_PAST_ITS_LIFE)

        assert "goes by a hint that is over" in finding.what
        await self.mend(finding)
        assert await self.queue.next_due() == at("12:01:00")

    async def test_a_stray_place_in_the_queue_is_found_and_mended(self) -> None:
        """Its endpoint does not know of it, so that no claim ends it."""
        await self.add_minutely()
        await self.plant(
            "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision)"
            " SELECT :at, endpoint_id, tenant, slot, host, revision FROM due",
            at=self._stored(at("13:00:00")),
        )

        finding = await self.only(Ailment.QUEUED_IN_VAIN)

        assert "stands in the queue for 2025-01-01 13:00:00 UTC" in finding.what
        await self.mend(finding)

    async def test_a_place_that_is_written_otherwise_is_found_and_mended(self) -> None:
        """Slot, host and revision are those of the endpoint, and written with its state."""
        await self.add_minutely()
        planted = {
            "slot = '2025-01-01 12:00:59.000000'": "with the slot 2025-01-01 12:00:59 UTC",
            "host = 'else.example'": "with the host else.example, and calls shop.example",
            "revision = revision - 1": "with an older revision",
        }
        for setting, words in planted.items():
            await self.plant(f"UPDATE due SET {setting}")

            finding = await self.only(Ailment.PLAN_DIFFERS)

            assert f"stands in the queue {words}" in finding.what
            await self.mend(finding)

    async def test_a_plan_for_the_right_instant_that_is_not_the_governors_is_found(self) -> None:
        """It would run, and be told as what it is not."""
        await self.add_minutely()
        await self.plant(
            "UPDATE endpoint_state SET plan = replace(plan, 'baseline-interval', 'baseline-cron')"
        )

        finding = await self.only(Ailment.PLAN_DIFFERS)

        slot = "attempt 1 of the recurring slot 2025-01-01 12:01:00 UTC"
        assert finding.what == (
            f"is planned by baseline-cron as {slot}, and the governor says by baseline-interval"
            f" as {slot}"
        )
        await self.mend(finding)
        assert await self.queue.next_due() == at("12:01:00")

    async def test_a_place_of_a_leased_endpoint_is_a_stray(self) -> None:
        """Its lease has taken the place of the one that it had."""
        await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.plant(
            "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision)"
            " SELECT due_at, endpoint_id, tenant, due_at, 'shop.example', 0 FROM endpoint_state"
        )

        (stray,) = await self.given.examination.strays(limit=5)

        assert (stray.endpoint_id, stray.due_at) == (run.lease.endpoint_id, at("12:01:00"))
        await self.given.examination.take_out([stray])
        assert list(await self.given.examination.strays(limit=5)) == []

    async def test_a_place_that_an_endpoint_knows_of_is_not_taken_out(self) -> None:
        """Whatever was seen of it before."""
        endpoint = await self.add_minutely()
        known = StrayEntry(endpoint_id=endpoint.id, due_at=at("12:01:00"))

        await self.given.examination.take_out([known])

        assert await self.queue.next_due() == at("12:01:00")

    async def test_a_stray_place_does_not_stand_in_the_way_of_planning_anew(self) -> None:
        """The queue has it where the endpoint is to be, and the endpoint has forgotten of it."""
        endpoint = await self.add_minutely()
        await self.plant("UPDATE endpoint_state SET due_at = NULL")

        await self.given.examination.replan([endpoint.id], now=NOON)

        assert await self.findings(NOON) == []
        assert await self.queue.next_due() == at("12:01:00")

    async def test_an_endpoint_that_is_set_aside_is_found(self) -> None:
        """One that cannot be read does not run; it is healed once it can be."""
        endpoint = await self.add_minutely()
        await self.sql.corrupt_schedule(endpoint.id)

        finding = await self.only(Ailment.SET_ASIDE)

        assert finding.mending is Mending.HEAL
        assert "does not run: " in finding.what

    async def test_statistics_that_differ_from_runs_are_found(self) -> None:
        """Both what was counted twice, and what was not counted at all."""
        await self.add_minutely()
        await self.run_once(at("12:01:00"))
        now = at("12:02:30")
        await self.plant("UPDATE roll_ups SET runs = 2")
        twice = await self.only(Ailment.COUNT_DIFFERS, now)
        await self.plant("DELETE FROM roll_ups")
        never = await self.only(Ailment.COUNT_DIFFERS, now)

        assert "has 1 ended runs in the minute of 2025-01-01 12:01:00 UTC" in twice.what
        assert twice.what.endswith("statistics count 2")
        assert never.what.endswith("statistics count 0")

    async def close_an_hour(self) -> datetime:
        """Run twice in an hour, close it, and return an instant at which it is."""
        await self.add_minutely()
        for minute in (1, 2):
            await self.run_once(EPOCH + minute * MINUTE)
        now = EPOCH + 2 * HOUR
        async with self.unit() as unit:
            await unit.runs.prune(before=None, limit=100, now=now)
        return now

    async def wrong(self, now: datetime) -> list[Finding]:
        """Examine the sums of jobs alone."""
        looked = self.given.examination
        return list(
            sums_that_differ(await looked.wrong_sums(since=now - DAY, until=now, limit=LIMIT))
        )

    async def test_sums_of_jobs_that_are_right_are_no_finding(self) -> None:
        """Neither when their hour was closed, nor when its minutes have become an hour."""
        now = await self.close_an_hour()
        later = EPOCH + 3 * DAY
        assert await self.wrong(now) == []
        async with self.unit() as unit:
            await unit.runs.prune(before=None, limit=100, now=later)

        looked = self.given.examination
        assert list(await looked.wrong_sums(since=EPOCH, until=later, limit=LIMIT)) == []

    async def test_sums_of_jobs_that_differ_from_what_they_add_up_are_found(self) -> None:
        """Each by what stands apart from it: minutes, hours, or the days of endpoints."""
        now = await self.close_an_hour()
        hour = "for the hour that begins at 2025-01-01 12:00:00 UTC"
        day = "for the day that begins at 2025-01-01 00:00:00 UTC"
        has = "has a sum of {} runs of one outcome and source"
        planted = {
            "UPDATE roll_ups SET runs = 4": [
                f"{has.format(2)} {hour}, and the statistics of its endpoints come to 8"
            ],
            "UPDATE roll_ups SET runs = 1": [],
            "UPDATE job_roll_ups SET runs = 3": [
                f"{has.format(3)} {hour}, and the statistics of its endpoints come to 2",
                f"{has.format(2)} {day}, and its hours come to 3",
            ],
            "UPDATE job_roll_ups SET runs = 2": [],
            "UPDATE endpoint_days SET runs = 1, timed_runs = 0": [
                f"{has.format(2)} {day}, and the days of its endpoints come to 1"
            ],
            "DELETE FROM job_days": [
                f"{has.format(0)} {day}, and its hours come to 2",
                f"{has.format(0)} {day}, and the days of its endpoints come to 1",
            ],
        }
        for statement, told in planted.items():
            await self.plant(statement)

            found = await self.wrong(now)

            assert [each.what for each in found] == told, statement
            assert {each.ailment for each in found} <= {Ailment.COUNT_DIFFERS}

    async def test_of_wrong_sums_no_more_are_told_than_asked_for(self) -> None:
        """However many there are, of hours and of days."""
        now = await self.close_an_hour()
        await self.plant("DELETE FROM job_days")
        await self.plant("DELETE FROM job_roll_ups")
        await self.plant("DELETE FROM closings")
        looked = self.given.examination

        assert len(await looked.wrong_sums(since=now - DAY, until=now, limit=1)) == 1

    async def test_counters_that_differ_from_history_are_found(self) -> None:
        """Failures after a success, and fewer runs than there are."""
        await self.add_minutely()
        await self.run_once(at("12:01:00"))
        now = at("12:01:30")
        await self.plant("UPDATE endpoint_state SET run_count = 0")
        runs = await self.only(Ailment.COUNT_DIFFERS, now)

        assert "counts 0 runs since its beginning, and its history has 1" in runs.what

    async def test_failures_after_a_success_are_found(self) -> None:
        """They stretch the rhythm for nothing; after a failure they are right."""
        await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        assert await self.findings(at("12:01:30")) == []
        await self.plant(
            "UPDATE runs SET status = 'success', failure_kind = NULL, outcome_class = 'success'"
        )
        await self.plant("UPDATE roll_ups SET outcome_class = 'success'")

        finding = await self.only(Ailment.COUNT_DIFFERS, at("12:01:30"))

        assert "counts 1 failures in a row, and its newest run succeeded" in finding.what

    def _stored(self, instant: datetime) -> object:
        """Write an instant as the dialect keeps it."""
        if self.sql.engine.dialect.name == "postgresql":
            return instant
        return f"{instant:%Y-%m-%d %H:%M:%S.%f}"

    async def test_what_only_postgresql_has_is_found(self) -> None:
        """An open transaction of somebody else, and days without partitions."""
        looked, on_postgres = self.given.examination, self._on_postgres()
        async with self.sql.engine.connect() as careless:
            await careless.execute(text("SELECT 1 FROM jobs"))
            found = await looked.old_transactions(age=timedelta())
            young = await looked.old_transactions(age=HOUR)
        missing = await looked.missing_days(until=EPOCH + DAY, now=EPOCH)
        await self.sql.room.prepare(until=EPOCH + DAY, now=EPOCH)

        assert list(young) == []
        assert any("idle in transaction" in each.state for each in found) == on_postgres
        assert _told(list(transactions_too_old(found))) == on_postgres
        assert len(missing) == (2 if on_postgres else 0)
        assert _told(list(room_missing(missing))) == on_postgres
        assert list(await looked.missing_days(until=EPOCH + DAY, now=EPOCH)) == []

    def _on_postgres(self) -> bool:
        return self.sql.engine.dialect.name == "postgresql"

    async def test_history_of_many_hours_is_read_in_stretches(self) -> None:
        """What lies in different hours is all found, up to the limit."""
        await self.add_minutely()
        for hour in range(3):
            await self.run_once(EPOCH + hour * HOUR + MINUTE)
        await self.plant("DELETE FROM roll_ups")
        looked, end = self.given.examination, EPOCH + 4 * HOUR

        assert len(await looked.miscounts(since=EPOCH, until=end, limit=9)) == 3
        assert len(await looked.miscounts(since=EPOCH, until=end, limit=2)) == 2


def _told(findings: Sequence[Finding]) -> bool:
    """Say whether anything was found, and each time with a remedy."""
    return bool(findings) and all(each.remedy.endswith(".") for each in findings)

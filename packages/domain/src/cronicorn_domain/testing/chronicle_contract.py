"""What every chronicle promises: one endpoint's past, and nothing of anybody else's."""

from dataclasses import replace
from datetime import timedelta

from cronicorn_domain.identity import RunId, TenantId, new_uuid
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint, Retry
from cronicorn_domain.model.run import BodyKind, FailureKind, RunStatus
from cronicorn_domain.ports.chronicle import Limits
from cronicorn_domain.ports.hint_book import HintEnd
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    at,
    cron,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store_suite import StoreSuite

_LARGE = 1000


class ChronicleContract(StoreSuite):
    """One endpoint's past in a window."""

    async def five_minutes(self) -> Endpoint:
        """Keep an endpoint whose runs at 12:01 to 12:05 went well, but for the third."""
        # A cron schedule does not back off.
        minutely = an_endpoint(await self.add_job(), schedule=cron("* * * * *"))
        endpoint = await self.add(minutely)
        for minute in range(1, 6):
            outcome = failed() if minute == 3 else succeeded(f'{{"n": {minute}}}', kind=_JSON)
            await self.run_once(EPOCH + minute * MINUTE, outcome)
        return endpoint

    async def test_stretches_count_runs_as_statistics_do(self) -> None:
        """Each minute tells how many there were, of which outcome, how long and how late."""
        endpoint = await self.five_minutes()

        async with self.unit() as unit:
            found = await unit.chronicle.stretches(
                endpoint.tenant, endpoint.id, since=at("12:02:30"), until=at("12:04:00")
            )

        assert [each.begins_at for each in found] == [
            at("12:02:00"),
            at("12:03:00"),
            at("12:04:00"),
        ]
        assert [each.tally.target_failure for each in found] == [0, 1, 0]
        assert [each.tally.success for each in found] == [1, 0, 1]
        assert {each.lasts for each in found} == {MINUTE}
        assert {each.tally.duration for each in found} == {SECOND}

    async def test_stretches_tell_lateness(self) -> None:
        """How late runs started is added up as how long they took is."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.settle(run, at("12:01:09"), started_at=at("12:01:07"))

        async with self.unit() as unit:
            (found,) = await unit.chronicle.stretches(
                endpoint.tenant, endpoint.id, since=EPOCH, until=EPOCH + HOUR
            )

        assert (found.lateness, found.tally.duration) == (7 * SECOND, 2 * SECOND)

    async def test_runs_are_the_newest_of_the_window(self) -> None:
        """Both ends are within it, and no more than asked for come back."""
        endpoint = await self.five_minutes()

        async with self.unit() as unit:
            found = await unit.chronicle.runs(
                endpoint.tenant, endpoint.id, since=at("12:02:00"), until=at("12:05:00"), limit=3
            )
            whole = await unit.chronicle.runs(
                endpoint.tenant, endpoint.id, since=at("12:02:00"), until=at("12:04:59"), limit=9
            )

        assert [run.slot for run in found] == [at("12:05:00"), at("12:04:00"), at("12:03:00")]
        assert [run.slot for run in whole] == [at("12:04:00"), at("12:03:00"), at("12:02:00")]
        assert whole[1].status is RunStatus.FAILED
        assert all(run.response is None or not run.response.body.text for run in whole)

    async def test_what_was_not_run_is_told_by_its_window(self) -> None:
        """A record belongs to each window that holds one of its slots."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:10:30"))

        async with self.unit() as unit:

            async def count(since: str, until: str) -> int:
                found = await unit.chronicle.slot_records(
                    endpoint.tenant, endpoint.id, since=at(since), until=at(until), limit=9
                )
                return len(found)

            assert await count("12:04:10", "12:04:20") == 1
            assert await count("12:11:00", "13:00:00") == 0
            assert await count("11:00:00", "11:59:00") == 0

    async def test_hints_are_told_while_they_lived(self) -> None:
        """One that ended before the window, or was written behind it, is not in it."""
        endpoint = await self.add_minutely()
        short = an_interval_hint(created_at=EPOCH, life=5 * MINUTE)
        long = an_interval_hint(created_at=EPOCH + MINUTE, life=HOUR)
        late = a_oneshot(EPOCH + 2 * HOUR, created_at=EPOCH + 30 * MINUTE)
        for hint in (short, long, late):
            await self.offer(endpoint, hint)

        async with self.unit() as unit:

            async def ids(since: str, until: str) -> list[object]:
                found = await unit.chronicle.hints(
                    endpoint.tenant,
                    endpoint.id,
                    since=at(since),
                    until=at(until),
                    now=EPOCH + 31 * MINUTE,
                    limit=9,
                )
                return [each.hint.id for each in found]

            assert await ids("12:00:00", "13:00:00") == [late.id, long.id, short.id]
            assert await ids("12:05:00", "12:20:00") == [long.id, short.id]
            assert await ids("12:05:01", "12:29:00") == [long.id]
            assert await ids("11:00:00", "11:59:59") == []

    async def test_a_cleared_hint_ends_where_it_was_cleared(self) -> None:
        """Its life is over then, and not when it would have expired."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, an_interval_hint(created_at=EPOCH))
        await self.clear_hints(endpoint, EPOCH + MINUTE)

        async with self.unit() as unit:
            (found,) = await unit.chronicle.hints(
                endpoint.tenant,
                endpoint.id,
                since=EPOCH,
                until=EPOCH + HOUR,
                now=EPOCH + HOUR,
                limit=9,
            )
            later = await unit.chronicle.hints(
                endpoint.tenant,
                endpoint.id,
                since=EPOCH + 2 * MINUTE,
                until=EPOCH + HOUR,
                now=EPOCH + HOUR,
                limit=9,
            )

        assert (found.end, found.ended_at) == (HintEnd.CLEARED, EPOCH + MINUTE)
        assert later == []

    async def test_healths_are_those_of_their_windows(self) -> None:
        """Each window is summed up for itself, in the order in which they were asked for."""
        endpoint = await self.five_minutes()
        now = at("12:05:30")

        async with self.unit() as unit:
            short, whole = await unit.chronicle.healths(
                endpoint.tenant, endpoint.id, since=[at("12:04:00"), at("12:00:00")], now=now
            )
            known = await unit.runs.health(
                endpoint.tenant, endpoint.id, since=at("12:00:00"), now=now
            )

        assert (short.success_count, short.target_failure_count) == (2, 0)
        assert (whole.success_count, whole.target_failure_count) == (4, 1)
        assert (whole.median_duration, whole.p95_duration, whole.mean_lateness) == (
            known.median_duration,
            known.p95_duration,
            known.mean_lateness,
        )

    async def test_answers_are_the_last_of_each_stretch(self) -> None:
        """Of many slots in a stretch the newest is told, of one alone that one."""
        endpoint = await self.five_minutes()
        edges = [at("12:01:00"), at("12:02:00"), at("12:05:00")]

        async with self.unit() as unit:
            found = await unit.chronicle.answers(
                endpoint.tenant, endpoint.id, edges=edges, until=at("13:00:00"), size_most=_LARGE
            )

        assert [each.slot for each in found] == [at("12:01:00"), at("12:04:00"), at("12:05:00")]
        assert [each.body.text for each in found] == ['{"n": 1}', '{"n": 4}', '{"n": 5}']

    async def test_answers_without_json_leave_a_gap(self) -> None:
        """What is not JSON, or is too large, is not told, and nothing stands in for it."""
        endpoint = await self.add_minutely()
        texts = ('{"n": 1}', "plain", '{"n": "' + "x" * 100 + '"}')
        kinds = (BodyKind.JSON, BodyKind.TEXT, BodyKind.JSON)
        for minute, (text, kind) in enumerate(zip(texts, kinds, strict=True), 1):
            await self.run_once(EPOCH + minute * MINUTE, succeeded(text, kind=kind))

        async with self.unit() as unit:
            found = await unit.chronicle.answers(
                endpoint.tenant,
                endpoint.id,
                edges=[at("12:01:00"), at("12:02:00"), at("12:03:00")],
                until=at("13:00:00"),
                size_most=50,
            )

        assert [each.slot for each in found] == [at("12:01:00")]

    async def test_around_a_run_lie_its_attempts_and_its_neighbours(self) -> None:
        """The slot before and the slot behind are those of runs that are kept."""
        job = await self.add_job()
        retry = Retry(attempts=2, backoff=timedelta(), backoff_most=timedelta())
        endpoint = await self.add(an_endpoint(job, retry=retry))
        await self.run_once(at("12:01:00"))
        first = await self.run_once(at("12:02:00"), failed(FailureKind.TIMEOUT))
        second = await self.run_once(at("12:02:03"))
        await self.run_once(at("12:03:00"))

        async with self.unit() as unit:
            asked = unit.chronicle
            kept = await unit.runs.get(endpoint.tenant, second.lease.run_id)
            found = await asked.around(endpoint.tenant, second.lease.run_id)
            assert found is not None
            assert found.before is not None
            first_of_all = await asked.around(endpoint.tenant, found.before.id)
            hidden = await asked.around(TenantId(new_uuid()), second.lease.run_id)

        assert found.run == kept
        assert [each.id for each in found.attempts] == [first.lease.run_id, second.lease.run_id]
        assert [each and each.slot for each in (found.before, found.behind)] == [
            at("12:01:00"),
            at("12:03:00"),
        ]
        assert first_of_all is not None
        assert first_of_all.before is None
        assert first_of_all.behind == found.attempts[0]
        assert hidden is None

    async def test_an_episode_is_what_each_question_tells(self) -> None:
        """All of them at once answer as each alone does, in the same order and number."""
        endpoint = await self.five_minutes()
        for minute in (1, 2, 3):
            await self.offer(endpoint, an_interval_hint(created_at=EPOCH + minute * MINUTE))
        await self.run_once(at("12:10:30"))
        await self.run_once(at("12:20:30"))
        tenant, own, now = endpoint.tenant, endpoint.id, at("12:31:00")
        since, until = at("12:01:00"), at("12:30:00")
        windows = [at("12:04:00"), at("12:00:00")]

        async with self.unit() as unit:
            told = unit.chronicle
            found = await told.episode(
                tenant,
                own,
                since=since,
                until=until,
                now=now,
                healths_since=windows,
                limits=Limits(runs=4, slot_records=1, hints=2),
            )
            runs = await told.runs(tenant, own, since=since, until=until, limit=4)
            records = await told.slot_records(tenant, own, since=since, until=until, limit=1)
            hints = await told.hints(tenant, own, since=since, until=until, now=now, limit=2)

            assert found.stretches == await told.stretches(tenant, own, since=since, until=until)
            assert found.healths == await told.healths(tenant, own, since=windows, now=now)
        assert (found.runs, found.slot_records, found.hints) == (runs, records, hints)
        assert found.job_name == "shop"
        assert [len(each) for each in (found.runs, found.slot_records, found.hints)] == [4, 1, 2]

    async def test_test_runs_are_left_out(self) -> None:
        """They touch neither health nor statistics, and so are not drawn; trap T36."""
        endpoint = await self.five_minutes()
        run = (await self.runs(endpoint))[0]
        decision = replace(run.decision, slot=at("12:04:30"), due_at=at("12:04:30"))
        test = replace(run, id=RunId(new_uuid()), kind=Kind.TEST, decision=decision)

        async with self.unit() as unit:
            await unit.runs.add_test(test)
            found = await unit.chronicle.runs(
                endpoint.tenant, endpoint.id, since=EPOCH, until=EPOCH + HOUR, limit=9
            )

        assert test.id not in {each.id for each in found}
        assert len(found) == 5

    async def test_nothing_is_told_of_what_is_anothers(self) -> None:
        """A stranger hears nothing, as if there were nothing."""
        endpoint = await self.five_minutes()
        await self.offer(endpoint, an_interval_hint(created_at=at("12:06:00")))
        await self.run_once(at("12:30:00"))
        stranger = TenantId(new_uuid())
        window = {"since": EPOCH, "until": EPOCH + HOUR}

        async with self.unit() as unit:
            told = unit.chronicle
            (health,) = await told.healths(stranger, endpoint.id, since=[EPOCH], now=EPOCH + HOUR)

            assert await told.stretches(stranger, endpoint.id, **window) == []
            assert await told.runs(stranger, endpoint.id, **window, limit=9) == []
            assert await told.slot_records(stranger, endpoint.id, **window, limit=9) == []
            assert (
                await told.hints(stranger, endpoint.id, **window, now=EPOCH + HOUR, limit=9) == []
            )
            assert (
                await told.answers(
                    stranger, endpoint.id, edges=[EPOCH], until=EPOCH + HOUR, size_most=_LARGE
                )
                == []
            )
            episode = await told.episode(
                stranger,
                endpoint.id,
                **window,
                now=EPOCH + HOUR,
                healths_since=[EPOCH],
                limits=Limits(runs=9, slot_records=9, hints=9),
            )
            assert health.success_count == 0
            assert (episode.job_name, episode.runs) == (None, [])


_JSON = BodyKind.JSON

"""What happens is seen in passing: a tenant's latest runs and deeds."""

from collections.abc import Collection, Mapping
from datetime import datetime

from cronicorn_domain.identity import DEFAULT_TENANT, AuditId, RunId, TenantId, new_uuid
from cronicorn_domain.model.audit import AuditEntry, Subject, SubjectKind
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.glimpse import DeedGlimpse, Glimpse, RunGlimpse
from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, an_endpoint, at, failed
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class ActivityContract(StoreSuite):
    """What holds for looking at what happens."""

    async def look(
        self,
        *tenants: TenantId,
        since: datetime = EPOCH,
        running: Mapping[RunId, datetime] | None = None,
        limit: int = 10,
    ) -> Glimpse:
        """Look, at the default tenant unless others are named."""
        return await self.given.activity.look(
            tenants or (DEFAULT_TENANT,), since=since, running=running or {}, limit=limit
        )

    async def note(self, now: datetime, *, tenant: TenantId = DEFAULT_TENANT) -> AuditEntry:
        """Keep that somebody paused something."""
        entry = AuditEntry(
            id=AuditId(new_uuid()),
            tenant=tenant,
            at=now,
            actor="person:ada",
            action="pause",
            subject=Subject(kind=SubjectKind.ENDPOINT, id=new_uuid(), name="health"),
            changes=(),
        )
        async with self.unit() as unit:
            await unit.audit.add(entry)
        return entry

    async def test_where_nothing_happens_nothing_is_seen(self) -> None:
        """Nor without anybody to look at."""
        assert await self.look() == Glimpse()
        assert await self.given.activity.look((), since=EPOCH, running={}, limit=9) == Glimpse()

    async def test_a_run_is_seen_while_it_runs_and_when_it_has_ended(self) -> None:
        """As the history has it."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        (running,) = (await self.look()).runs
        await self.settle(run, FIRST_SLOT + SECOND, failed())

        assert (running.status, running.finished_at) == (RunStatus.RUNNING, None)
        assert (await self.look()).runs == (
            RunGlimpse(
                id=run.lease.run_id,
                endpoint_id=endpoint.id,
                tenant=DEFAULT_TENANT,
                slot=FIRST_SLOT,
                attempt=1,
                source=Source.BASELINE_INTERVAL,
                status=RunStatus.FAILED,
                claimed_at=FIRST_SLOT,
                started_at=FIRST_SLOT,
                finished_at=FIRST_SLOT + SECOND,
                failure_kind=FailureKind.HTTP_STATUS,
            ),
        )

    async def test_a_deed_is_seen(self) -> None:
        """As the audit has it; one at the instant is seen, one before it is not."""
        await self.note(at("12:00:00"))
        entry = await self.note(at("12:00:01"))

        assert (await self.look(since=at("12:00:01"))).deeds == (
            DeedGlimpse(
                id=entry.id,
                tenant=DEFAULT_TENANT,
                at=entry.at,
                action="pause",
                subject_kind=SubjectKind.ENDPOINT,
                subject=entry.subject.id,
            ),
        )

    async def test_each_tenant_has_so_many(self) -> None:
        """The newest; one's many keep no other's from being seen."""
        await self.add_minutely()
        for number in range(3):
            await self.run_once(FIRST_SLOT + number * MINUTE)
            await self.note(FIRST_SLOT + number * MINUTE)
        theirs = await self.note(EPOCH, tenant=OTHER_TENANT)

        seen = await self.look(DEFAULT_TENANT, OTHER_TENANT, limit=2)

        newest = {FIRST_SLOT + MINUTE, FIRST_SLOT + 2 * MINUTE}
        assert {each.slot for each in seen.runs} == newest
        ours = [each for each in seen.deeds if each.tenant == DEFAULT_TENANT]
        assert {each.at for each in ours} == newest
        assert [each.id for each in seen.deeds if each.tenant == OTHER_TENANT] == [theirs.id]

    async def test_nobody_elses_is_seen(self) -> None:
        """Who is not named is not looked at."""
        await self.add_minutely()
        await self.run_once(FIRST_SLOT)
        await self.note(FIRST_SLOT)

        assert await self.look(OTHER_TENANT) == Glimpse()

    async def test_a_run_that_is_named_is_seen(self) -> None:
        """Also where newer ones have pushed it out, or its slot lies too far back; once."""
        job = await self.add_job()
        await self.add(an_endpoint(job, "slow"))
        slow = await self.start_one(FIRST_SLOT)
        named = {slow.lease.run_id: FIRST_SLOT}

        assert len((await self.look(running=named)).runs) == 1
        (seen,) = (await self.look(running=named, since=FIRST_SLOT + SECOND)).runs
        assert seen.id == slow.lease.run_id
        assert (await self.look(running={RunId(new_uuid()): EPOCH}, limit=1)).runs[0].slot == (
            FIRST_SLOT
        )

    async def test_who_is_named_is_collected_once(self) -> None:
        """A tenant that is named twice is looked at once."""
        await self.note(EPOCH)
        twice: Collection[TenantId] = [DEFAULT_TENANT, DEFAULT_TENANT]

        assert len((await self.look(*twice)).deeds) == 1

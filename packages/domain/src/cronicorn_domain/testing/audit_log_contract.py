"""The audit: kept with what it tells of, and read the newest first."""

from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import DEFAULT_TENANT, AuditId, TenantId, new_uuid
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH, a_job, at
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
JOB, ENDPOINT = new_uuid(), new_uuid()


def an_entry(
    instant: datetime = EPOCH,
    *,
    tenant: TenantId = DEFAULT_TENANT,
    actor: str = "person:ada",
    subject: UUID = JOB,
    changes: tuple[FieldChange, ...] = (),
) -> AuditEntry:
    """Return an entry of a pause."""
    return AuditEntry(
        id=AuditId(new_uuid()),
        tenant=tenant,
        at=instant,
        actor=actor,
        action="pause",
        subject=Subject(kind=SubjectKind.JOB, id=subject, name="shop"),
        changes=changes,
    )


class AuditLogContract(StoreSuite):
    """What holds for the audit."""

    async def keep(self, *entries: AuditEntry) -> None:
        """Keep entries, in a unit of their own."""
        async with self.unit() as unit:
            await unit.audit.add(*entries)

    async def test_an_entry_is_kept_as_it_is(self) -> None:
        """Who, when, to what, from what, to what; also where there was nothing, or is nothing."""
        entry = an_entry(
            changes=(
                FieldChange(field="description", before=None, after="Grüße 🦄"),
                FieldChange(field="name", before="shop", after=None),
            )
        )

        await self.keep(entry)

        async with self.unit() as unit:
            assert await unit.audit.list_entries(DEFAULT_TENANT) == [entry]

    async def test_many_are_kept_like_one(self) -> None:
        """One after another, or none at all; each commit adds to those before."""
        first, second = an_entry(at("12:00:00")), an_entry(at("12:00:01"))
        async with self.unit() as unit:
            await unit.audit.add()
            await unit.audit.add(first)
        await self.keep(second, an_entry(at("12:00:02")))

        async with self.unit() as unit:
            assert (await unit.audit.list_entries(DEFAULT_TENANT))[1:] == [second, first]

    async def test_the_newest_come_first_page_by_page(self) -> None:
        """No entry comes twice and none is left out, also of one instant."""
        entries = [an_entry(at(time)) for time in ("12:00:00", "12:00:01", "12:00:01", "12:00:02")]
        await self.keep(*entries)

        seen: list[AuditEntry] = []
        async with self.unit() as unit:
            while page := await unit.audit.list_entries(
                DEFAULT_TENANT, limit=3, before=seen[-1].id if seen else None
            ):
                seen += page

        assert seen == sorted(entries, key=lambda each: (each.at, each.id), reverse=True)

    async def test_entries_are_chosen(self) -> None:
        """By the instant from which on, by who did it, and by what it was done to."""
        early, late = an_entry(at("12:00:00")), an_entry(at("13:00:00"), actor="key:deploy")
        elsewhere = an_entry(at("14:00:00"), subject=ENDPOINT)
        await self.keep(early, late, elsewhere)

        async with self.unit() as unit:
            read = unit.audit.list_entries
            assert await read(DEFAULT_TENANT, since=at("13:00:00")) == [elsewhere, late]
            assert await read(DEFAULT_TENANT, actor="key:deploy") == [late]
            assert await read(DEFAULT_TENANT, subject=JOB) == [late, early]
            assert await read(DEFAULT_TENANT, subject=JOB, actor="person:ada") == [early]

    async def test_another_tenants_entries_do_not_exist(self) -> None:
        """They are neither listed nor a place to go on from."""
        entry = an_entry()
        await self.keep(entry, an_entry(at("11:00:00"), tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert await unit.audit.list_entries(TenantId(new_uuid())) == []
            assert await unit.audit.list_entries(OTHER_TENANT, before=entry.id) == []

    async def test_an_entry_goes_with_its_unit(self) -> None:
        """What is rolled back was not done, and nothing tells that it was."""
        async with self.given.units.begin() as unit:
            await _pause(unit)

        async with self.unit() as unit:
            assert await unit.audit.list_entries(DEFAULT_TENANT) == []
            assert await unit.catalog.list_jobs(DEFAULT_TENANT) == []


async def _pause(unit: UnitOfWork) -> None:
    await unit.catalog.add_job(a_job())
    await unit.audit.add(an_entry())

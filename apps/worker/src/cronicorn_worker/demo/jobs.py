"""The demo's jobs: a jobs file of its own, filled in with where the shop is."""

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

from cronicorn_domain.identity import TenantId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_worker.demo.story import SALE_OPENS_AFTER
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.reading import read_jobs

_FILE = "shop.yaml"


def demo_jobs(shop: str, *, now: datetime, rules: EgressRules) -> tuple[DesiredJob, ...]:
    """Return the jobs of a shop at an address such as ``127.0.0.1:40123``."""
    text = (files(__package__) / _FILE).read_text(encoding="utf-8")
    environ = {"SHOP": shop, "SALE_OPENS": iso_milliseconds(now + SALE_OPENS_AFTER)}
    return read_jobs(text, file=_FILE, environ=environ, rules=rules)


async def retire(
    jobs: Sequence[DesiredJob], *, units: UnitsOfWork, clock: Clock, tenant: TenantId
) -> None:
    """Archive the jobs: their shop is closed. Raises ``StoreError``."""
    async with units.begin() as unit:
        for desired in jobs:
            if job := await unit.catalog.find_job(tenant, desired.name):
                await unit.catalog.archive_job(tenant, job.id, now=clock.now())
        await unit.commit()

"""The demo's jobs: a jobs file of its own, filled in with where the shop is."""

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_management.caller import Caller
from cronicorn_management.conditions import Conditions
from cronicorn_management.desk import Desk
from cronicorn_management.jobs.archiving import archive_job

from cronicorn_worker.demo.story import SALE_OPENS_AFTER
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.reading import read_jobs

_FILE = "shop.yaml"


def demo_jobs(
    shop: str, *, now: datetime, rules: EgressRules, conditions: Conditions
) -> tuple[DesiredJob, ...]:
    """Return the jobs of a shop at an address such as ``127.0.0.1:40123``."""
    text = (files(__package__) / _FILE).read_text(encoding="utf-8")
    environ = {"SHOP": shop, "SALE_OPENS": iso_milliseconds(now + SALE_OPENS_AFTER)}
    return read_jobs(text, file=_FILE, environ=environ, rules=rules, conditions=conditions)


async def retire(jobs: Sequence[DesiredJob], *, desk: Desk, caller: Caller) -> None:
    """Archive the jobs: their shop is closed. Raises ``StoreError``."""
    async with desk.changing(caller) as work:
        for desired in jobs:
            if job := await work.catalog.find_job(work.tenant, desired.name):
                await archive_job(work, job.id)

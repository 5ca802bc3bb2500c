"""Read how much of its plan a tenant has used."""

from dataclasses import dataclass

from cronicorn_domain.ports.overview import Selection

from cronicorn_management.allowance import Allowance
from cronicorn_management.desk import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    What is used, against what may be.

    Attributes:
        allowance: What may be.
        endpoints: Unarchived endpoints of unarchived jobs.
        runs: Runs settled since this month began in UTC, by their slots; test runs not.
        tokens: Tokens of a model since then.
    """

    allowance: Allowance
    endpoints: int
    runs: int
    tokens: int


async def read_usage(work: Reading) -> Usage:
    """Return how much of its plan the caller's tenant has used."""
    began = work.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    hours = await work.overview.hours(work.tenant, Selection(since=began, until=work.now))
    standing = await work.overview.standing(work.tenant, now=work.now)
    return Usage(
        allowance=work.allowance,
        endpoints=standing.endpoints,
        runs=sum(each.tally.runs for each in hours),
        tokens=0,
    )

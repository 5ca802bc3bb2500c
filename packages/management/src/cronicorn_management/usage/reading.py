"""Read how much of its plan a tenant has used."""

from dataclasses import dataclass

from cronicorn_domain.model.quota import Meter
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
        runs: Of a tenant that has a quota, the runs that it counts; else those settled since this
            month began in UTC, by their slots, test runs not.
        runs_limit: What the quota of runs allows in a month; None: there is none.
        tokens: Tokens of a model since then.
        tokens_limit: Likewise.
    """

    allowance: Allowance
    endpoints: int
    runs: int
    runs_limit: int | None
    tokens: int
    tokens_limit: int | None


async def read_usage(work: Reading) -> Usage:
    """Return how much of its plan and of its quotas the caller's tenant has used."""
    holdings = await work.overview.holdings(work.tenant, now=work.now)
    of_runs = of_tokens = None
    if work.quota is not None:
        of_runs = await work.quota.standing(work.tenant, Meter.RUNS, now=work.now)
        of_tokens = await work.quota.standing(work.tenant, Meter.TOKENS, now=work.now)
    runs_limit = None if of_runs is None else of_runs.limit
    return Usage(
        allowance=work.allowance,
        endpoints=holdings.endpoints,
        runs=await _settled(work) if runs_limit is None or of_runs is None else of_runs.used,
        runs_limit=runs_limit,
        tokens=0 if of_tokens is None else of_tokens.used,
        tokens_limit=None if of_tokens is None else of_tokens.limit,
    )


async def _settled(work: Reading) -> int:
    """Count the runs of this month that are settled."""
    began = work.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    hours = await work.overview.hours(work.tenant, Selection(since=began, until=work.now))
    return sum(each.tally.runs for each in hours)

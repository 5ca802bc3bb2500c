"""Read how much of its plan a tenant has used."""

from dataclasses import dataclass, replace

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
        tokens: Tokens of a model since then.
    """

    allowance: Allowance
    endpoints: int
    runs: int
    tokens: int


async def read_usage(work: Reading) -> Usage:
    """Return how much of its plan the caller's tenant has used."""
    holdings = await work.overview.holdings(work.tenant, now=work.now)
    allowance, tokens, runs = work.allowance, 0, None
    if work.quota is not None:
        of_tokens = await work.quota.standing(work.tenant, Meter.TOKENS, now=work.now)
        of_runs = await work.quota.standing(work.tenant, Meter.RUNS, now=work.now)
        tokens = of_tokens.used
        allowance = replace(
            allowance,
            tokens_a_month=_least(allowance.tokens_a_month, of_tokens.limit),
            runs_a_month=_least(allowance.runs_a_month, of_runs.limit),
        )
        runs = None if of_runs.limit is None else of_runs.used
    return Usage(
        allowance=allowance,
        endpoints=holdings.endpoints,
        runs=await _settled(work) if runs is None else runs,
        tokens=tokens,
    )


def _least(allowed: int, limit: int | None) -> int:
    return allowed if limit is None else min(allowed, limit)


async def _settled(work: Reading) -> int:
    """Count the runs of this month that are settled."""
    began = work.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    hours = await work.overview.hours(work.tenant, Selection(since=began, until=work.now))
    return sum(each.tally.runs for each in hours)

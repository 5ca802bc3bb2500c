"""Read a run among the endpoint's others, with what led to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import RunId
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.state import Situation
from cronicorn_domain.ports.chronicle import Surroundings
from cronicorn_domain.ports.hint_book import HintRecord

from cronicorn_management.desk import Reading

_HINTS_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAmongOthers:
    """
    A run with its response, and what lies around it.

    Attributes:
        run: The run.
        situation: Its endpoint as it is now; None when it cannot be read any more.
        around: Its attempts, the run before and the run behind.
        hints: Those that lived at its slot, the newest first.
    """

    run: Run
    situation: Situation | None
    around: Surroundings
    hints: Sequence[HintRecord]


async def read_run_among_others(work: Reading, run_id: RunId) -> RunAmongOthers:
    """Return a run with what lies around it. Raises ``NotFound``."""
    run = await work.runs.get(work.tenant, run_id)
    return RunAmongOthers(
        run=run,
        situation=await _situation_of(work, run),
        around=await work.unit.chronicle.around(run),
        hints=await work.unit.chronicle.hints(
            work.tenant,
            run.endpoint_id,
            since=run.slot,
            until=run.slot,
            now=work.now,
            limit=_HINTS_MOST,
        ),
    )


async def _situation_of(work: Reading, run: Run) -> Situation | None:
    try:
        return await work.catalog.get_situation(work.tenant, run.endpoint_id)
    except UnreadableRow:
        return None

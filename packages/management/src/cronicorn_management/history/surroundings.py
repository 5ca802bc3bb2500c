"""Read a run among the endpoint's others, with what led to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cronicorn_domain.errors import NotFound, UnreadableRow
from cronicorn_domain.identity import RunId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run
from cronicorn_domain.ports.chronicle import Surroundings
from cronicorn_domain.ports.hint_book import HintRecord

from cronicorn_management.desk import Reading

_HINTS_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAmongOthers:
    """
    A run with its response, and what lies around it.

    Attributes:
        endpoint: Its endpoint as it is now; None when it cannot be read any more.
        around: The run, its attempts, the run before and the run behind.
        hints: Those that lived at its slot, the newest first.
    """

    endpoint: Endpoint | None
    around: Surroundings
    hints: Sequence[HintRecord]

    @property
    def run(self) -> Run:
        """The run."""
        return self.around.run


async def read_run_among_others(work: Reading, run_id: RunId) -> RunAmongOthers:
    """Return a run with what lies around it. Raises ``NotFound``."""
    around = await work.chronicle.around(work.tenant, run_id)
    if around is None:
        raise NotFound("run", run_id)
    run = around.run
    return RunAmongOthers(
        endpoint=await _endpoint_of(work, run),
        around=around,
        hints=await work.chronicle.hints(
            work.tenant,
            run.endpoint_id,
            since=run.slot,
            until=run.slot,
            now=work.now,
            limit=_HINTS_MOST,
        ),
    )


async def _endpoint_of(work: Reading, run: Run) -> Endpoint | None:
    try:
        return await work.catalog.get_endpoint(work.tenant, run.endpoint_id)
    except UnreadableRow:
        return None

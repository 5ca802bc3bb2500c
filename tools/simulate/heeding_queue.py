"""The memory queue, which also tells what answers and rules have done with a settle."""

from collections.abc import Iterator
from datetime import datetime

from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.tables import EndpointRow
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.hint import Trigger
from cronicorn_domain.ports.endpoint_queue import Settled, Settlement

from tools.checker.history import Deed, HintOffered, HintsCleared, Paused, Triggered

Deeds = list[tuple[EndpointId, Deed]]


class HeedingQueue(MemoryEndpointQueue):
    """
    What is heeded is seen in the step in which it is written: nothing comes in between.

    ``proposed``: hints and pauses, which the settles planned by. ``behind``: what came behind the
    ends of the runs, hints that were cleared and siblings that were triggered. Empty them.
    """

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.proposed: Deeds = []
        self.behind: Deeds = []

    def _settle(self, settlement: Settlement, now: datetime) -> Settled:
        row = self._leased(settlement.token)
        if row is None:
            return super()._settle(settlement, now)
        hints, pause = row.hints, row.endpoint.pause
        family = self._family(row) if settlement.ruling.held else []
        triggers = {each.endpoint.id: each.triggers for each in family}
        answer = super()._settle(settlement, now)
        endpoint_id = row.endpoint.id
        self.proposed += [
            (endpoint_id, HintOffered(hint=hint)) for hint in row.hints if hint not in hints
        ]
        paused = row.endpoint.pause
        if paused is not None and paused != pause:
            self.proposed.append((endpoint_id, Paused(pause=paused)))
        gone = [each for each in hints if each not in row.hints and each.expires_at > now]
        if gone:
            self.behind.append((endpoint_id, HintsCleared(hints=tuple(each.id for each in gone))))
        for each in family:
            self.behind += _triggered(each, triggers[each.endpoint.id])
        return answer

    def _family(self, row: EndpointRow) -> list[EndpointRow]:
        job_id = row.endpoint.job_id
        return [each for each in self._tables.endpoints.values() if each.endpoint.job_id == job_id]


def _triggered(row: EndpointRow, before: tuple[Trigger, ...]) -> Iterator[tuple[EndpointId, Deed]]:
    for trigger in row.triggers:
        if trigger not in before:
            yield row.endpoint.id, Triggered(trigger=trigger)

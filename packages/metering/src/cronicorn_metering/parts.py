"""The parts of a scheduler that metrics and traces are put around."""

from dataclasses import dataclass

from cronicorn_domain.ports.dispatcher import Dispatcher
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_planner.sessions.observing import UNHEARD, PlannerObserver
from cronicorn_scheduler.observing import Observer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What is asked and told for each run, and for each session; without quotas there is no guard.
    """

    queue: EndpointQueue
    dispatcher: Dispatcher
    observer: Observer
    quota: QuotaGuard | None = None
    sessions: PlannerObserver = UNHEARD

"""Where an endpoint stands, as people see it."""

from enum import StrEnum


class Condition(StrEnum):
    """Where an endpoint stands, as people see it; what hinders it most is what is told."""

    ACTIVE = "active"
    RUNNING = "running"
    PAUSED = "paused"
    DEFERRED = "deferred"
    QUARANTINED = "quarantined"
    FINISHED = "finished"
    ARCHIVED = "archived"

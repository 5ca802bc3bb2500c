"""Step 7: the bounds judge slots of every kind but runs by hand."""

from datetime import datetime

from cronicorn_domain.model.state import Situation


def within_bounds(situation: Situation, instant: datetime) -> bool:
    """Say whether an instant lies within ``starts_at`` and ``ends_at``, both included."""
    bounds = situation.endpoint.bounds
    return (bounds.starts_at is None or instant >= bounds.starts_at) and (
        bounds.ends_at is None or instant <= bounds.ends_at
    )


def used_up(situation: Situation) -> bool:
    """Say whether as many occurrences have started as there may be."""
    most = situation.endpoint.bounds.max_runs
    return most is not None and situation.state.run_count >= most

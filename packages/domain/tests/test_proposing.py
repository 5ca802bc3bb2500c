"""What a model proposes is granted within the bounds that hold for everybody, and some more."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.endpoint import Guardrails, Pause
from cronicorn_domain.model.hint import IntervalHint, OneShotHint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.proposal import ProposeInterval, ProposePause, ProposeRun
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.proposing import LIFE_MOST, PAUSE_MOST, grant_of
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, a_job, an_endpoint

MOMENT = timedelta(milliseconds=1)


def standing(**changes: object) -> Situation:
    """Return an endpoint of a tenant whose floor is ten seconds."""
    endpoint = an_endpoint(a_job(), **changes)  # type: ignore[arg-type]
    return Situation(
        job_state=JobState.ACTIVE, endpoint=endpoint, state=EndpointState(), floor=10 * SECOND
    )


def interval(every: timedelta = MINUTE, life: timedelta = HOUR) -> ProposeInterval:
    """Propose one."""
    return ProposeInterval(every=every, life=life, reason="x")


@pytest.mark.parametrize("whose", ["the tenant's", "the caller's"])
def test_no_interval_below_a_floor_is_granted(whose: str) -> None:
    """Trap T17: a hint would be held back by it each time, and still say what does not hold."""
    caller = 20 * SECOND if whose == "the caller's" else SECOND
    least = max(caller, 10 * SECOND)

    granted = grant_of(interval(least), standing(), floor=caller, now=EPOCH)
    with pytest.raises(InvalidInput, match="too often"):
        grant_of(interval(least - MOMENT), standing(), floor=caller, now=EPOCH)

    assert isinstance(granted, IntervalHint)
    assert granted.every == least


def test_nothing_that_a_model_proposes_lives_longer_than_a_week() -> None:
    """However long it asks for: a person may have forgotten by then that it was there."""
    run = ProposeRun(at=EPOCH + HOUR, life=LIFE_MOST, reason="x")

    for longest in (interval(life=LIFE_MOST), run):
        granted = grant_of(longest, standing(), floor=SECOND, now=EPOCH)
        assert isinstance(granted, IntervalHint | OneShotHint)
    for longer in (
        interval(life=LIFE_MOST + MOMENT),
        ProposeRun(at=EPOCH + HOUR, life=LIFE_MOST + MOMENT, reason="x"),
        ProposeRun(at=EPOCH + LIFE_MOST + MOMENT, life=HOUR, reason="x"),
    ):
        with pytest.raises(InvalidInput, match=r"too long|too far"):
            grant_of(longer, standing(), floor=SECOND, now=EPOCH)


@pytest.mark.parametrize(
    ("longest", "most"), [(None, PAUSE_MOST), (2 * HOUR, 2 * HOUR), (48 * HOUR, PAUSE_MOST)]
)
def test_a_models_pause_ends_within_a_day_and_within_the_longest_interval(
    longest: timedelta | None, most: timedelta
) -> None:
    """Guardrails hold against a model: who promises a run every two hours gets one."""
    held = standing(guardrails=Guardrails(longest=longest))

    granted = grant_of(ProposePause(until=EPOCH + most, reason="x"), held, floor=SECOND, now=EPOCH)
    longer = ProposePause(until=EPOCH + most + MOMENT, reason="x")
    with pytest.raises(InvalidInput, match="too long"):
        grant_of(longer, held, floor=SECOND, now=EPOCH)

    assert granted == Pause(until=EPOCH + most, reason="x")

"""A claim is decided by the plan, not by what the store took for due."""

from cronicorn_domain.policies.change import Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.testing.builders import MINUTE, SECOND, a_job, an_endpoint
from cronicorn_domain.testing.story import Story


def test_a_plan_that_is_not_due_is_not_claimed() -> None:
    """A due row that was left behind when the plan was put off brings nothing early."""
    story = Story.of(an_endpoint(a_job(), jitter=30 * SECOND))
    plan = story.situation.state.plan
    assert plan is not None

    met = claim(story.situation, plan.decision.due_at - SECOND)

    assert isinstance(met, Postponement)
    assert met.change.state.plan == plan
    assert plan.decision.due_at - story.now >= MINUTE

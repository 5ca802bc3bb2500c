"""What a drawn model says, and what is judged of the sessions that come of it."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_domain.model.conversation import Answer, Ask, BrokenCall, Finish, Unanswered
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.quota import Meter
from cronicorn_domain.testing.builders import EPOCH, a_job, an_endpoint
from cronicorn_domain.testing.session_log_contract import a_session
from cronicorn_planner.sessions.bounds import BOUNDS
from cronicorn_planner.sessions.tools import NAMES

from tools.simulate.loop import VirtualTimeLoop
from tools.simulate.model import MANY, DrawnModel
from tools.simulate.planned_sessions import at_once, beyond_bounds
from tools.simulate.profiles import draw

ASK = Ask(model="m", instructions="", messages=(), tokens_most=2048)


def said(times: int) -> list[Answer | Unanswered]:
    """Ask a model in virtual time."""

    async def asked() -> list[Answer | Unanswered]:
        model = DrawnModel(Random(1), ManualClock(EPOCH), ("e1", "e2"))
        return [await model.ask(ASK) for _ in range(times)]

    loop = VirtualTimeLoop(1)
    try:
        return loop.run_until_complete(asked())
    finally:
        loop.close()


def test_a_drawn_model_says_everything() -> None:
    """Within a few hundred asks: every tool, every absurdity, every kind of silence."""
    lines = said(600)

    answers = [each for each in lines if isinstance(each, Answer)]
    calls = [call for each in answers for call in each.calls]
    whole = [call for call in calls if not isinstance(call, BrokenCall)]
    given = {str(value) for call in whole for value in call.arguments.values()}
    assert {call.tool for call in calls} == {*NAMES, "delete_everything"}
    assert any(isinstance(call, BrokenCall) for call in calls)
    assert max(len(each.calls) for each in answers) >= MANY
    assert {each.finish for each in answers} == set(Finish)
    assert any(each.usage is None for each in answers)
    assert {"-60000", "0.5", "nan", str(10**18), "soon", ""} <= given
    assert len({each.why for each in lines if isinstance(each, Unanswered)}) > 3


def test_modes_and_budgets_are_drawn() -> None:
    """Within a few seeds endpoints of every mode, and tenants with and without tokens."""
    drawn = [draw("planned", seed) for seed in range(30)]

    modes = {each.endpoint.planning.mode for world in drawn for each in world.newcomers}
    limits = {
        world.quotas.of(job.tenant, Meter.TOKENS).limit for world in drawn for job in world.jobs
    }
    assert modes == set(AiMode)
    assert {0, 20_000, 10_000_000} <= limits


def test_sessions_that_break_their_promise_are_found() -> None:
    """Too much, and two at once: traps T34 and T35."""
    session = a_session(an_endpoint(a_job()))
    late = replace(session, started_at=session.ended_at)

    assert beyond_bounds(session) == at_once([session, late]) == []
    assert beyond_bounds(replace(session, tokens_in=BOUNDS.tokens, tokens_out=1))
    assert beyond_bounds(replace(session, next_analysis_at=EPOCH - timedelta(days=1)))
    assert at_once([session, replace(session, started_at=session.ended_at - timedelta(seconds=1))])

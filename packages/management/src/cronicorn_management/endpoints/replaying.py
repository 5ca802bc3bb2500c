"""Run rules over what an endpoint was answered, and say what they would have changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.rate import Rate
from cronicorn_domain.model.replay import Replay
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.schedules.schedule import OnceSchedule
from cronicorn_domain.wording import length_in_words

from cronicorn_management.attempts import Attempts
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.endpoints.recordings import read_recording
from cronicorn_management.endpoints.ruling import rules_meant
from cronicorn_management.settings import RuleSetting

WINDOW_USUAL: Final = timedelta(days=1)
WINDOW_MOST: Final = timedelta(days=31)
RATE: Final = Rate(count=30, per=timedelta(minutes=1))
"""How often a tenant may replay: it takes a processor for seconds."""


async def replay_rules(
    desk: Desk,
    caller: Caller,
    endpoint_id: EndpointId,
    *,
    rules: Sequence[RuleSetting] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Replay:
    """
    Return what rules would have made of the runs whose slots lie from ``since`` to ``until``.

    Without ``rules`` they are the endpoint's own, in the shadow or not; without a window it is the
    last day. Nothing is changed, and no target is called; of the store nothing is held meanwhile.

    Raises:
        NotAllowed: the caller may not read.
        NotFound: the tenant has no such endpoint.
        InvalidInput: the rules or the window cannot be meant, there are no rules, or nothing was
            recorded.
        TooManyRequests: the tenant replays too often.
    """
    async with desk.reading(caller) as work:
        endpoint = (await work.catalog.get_situation(work.tenant, endpoint_id)).endpoint
        meant = _meant(endpoint, rules, desk)
        ends_at = until or work.now
        begins_at = since or ends_at - WINDOW_USUAL
        _check_window(begins_at, ends_at)
    (await desk.throttle.ask(f"replays of {caller.tenant}", RATE)).check()
    async with desk.reading(caller) as work:
        recording = await read_recording(work, endpoint, meant, since=begins_at, until=ends_at)
    if not recording.answers:
        raise InvalidInput(
            "no answer was recorded in this window",
            field="since",
            remedy="choose one in which the endpoint ran, and of which the history is still kept",
        )
    return await desk.replays.replay(recording, meant)


def _meant(endpoint: Endpoint, rules: Sequence[RuleSetting] | None, desk: Desk) -> RuleSet:
    if isinstance(endpoint.schedule, OnceSchedule):
        raise InvalidInput(
            "an endpoint with a single instant has no rhythm that rules could change",
            field="rules",
            remedy="replay rules of one that recurs",
        )
    meant: RuleSet | None = endpoint.rules
    if rules is not None:
        tried = Attempts()
        meant = rules_meant(rules, desk.conditions, tried)
        tried.end()
    if meant is None or not meant.rules:
        raise InvalidInput(
            "there are no rules to replay",
            field="rules",
            remedy="give some, or replay an endpoint that has them",
        )
    return meant


def _check_window(begins_at: datetime, ends_at: datetime) -> None:
    if begins_at >= ends_at:
        raise InvalidInput(
            "the window ends before it begins", field="since", remedy="give one before its end"
        )
    if ends_at - begins_at > WINDOW_MOST:
        raise InvalidInput(
            f"a window of {length_in_words(ends_at - begins_at)} is too long",
            field="since",
            remedy=f"give one of at most {WINDOW_MOST.days} days",
        )

"""What a replay is made of: answers of the target in a window, and rules that can be meant."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, NotAllowed, NotFound, TooManyRequests
from cronicorn_domain.model.replay import Course, Recording, Replay
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.model.run import Failed, FailureKind, Succeeded
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, failed, succeeded
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.replaying import RATE, replay_rules
from cronicorn_management.endpoints.trying import try_endpoint
from cronicorn_management.replays import NoReplays
from cronicorn_management.settings import EndpointChanges, RuleSetting

OFTEN = RuleSetting(when="status == 200", every=SECOND)
LEADING = RuleSetting(when="siblings.stock.status == 200", notify=True)
NOTHING = Course(calls=(), longest_gap=MINUTE, gap_begins_at=EPOCH, unseen=())


@dataclass
class Kept(NoReplays):
    """Keeps what it is to replay."""

    given: list[tuple[Recording, RuleSet]] = field(default_factory=list)

    async def replay(self, recording: Recording, rules: RuleSet) -> Replay:
        """Tell of nothing."""
        self.given.append((recording, rules))
        return Replay(
            begins_at=EPOCH,
            ends_at=EPOCH,
            answers=len(recording.answers),
            recorded=(),
            fixed=NOTHING,
            ruled=NOTHING,
            turns=(),
            firings=(),
            rules=(),
        )


class EveryCondition:
    """Accepts whatever is asked."""

    def check(self, expression: str) -> None:
        """Accept it."""


@pytest.fixture
def kept(office) -> Kept:
    """Let an office keep what it would replay."""
    replays = Kept()
    office.desk = replace(office.desk, replays=replays, conditions=EveryCondition())
    return replays


async def ran(office, *outcomes) -> None:
    """Let what is due each minute end so."""
    for outcome in outcomes:
        office.clock.advance(MINUTE)
        await office.run_due(outcome)
    office.clock.advance(SECOND)


async def test_it_is_of_what_the_target_answered(office, kept) -> None:
    """Oldest first, by the instants they were due; what failed by our fault is no answer."""
    endpoint = await office.an_endpoint(max=MINUTE)
    await ran(office, succeeded("one"), failed(FailureKind.SIGNING), failed(), succeeded("two"))

    told = await replay_rules(office.desk, office.reader, endpoint.id, rules=[OFTEN])

    ((recording, rules),) = kept.given
    assert told.answers == 3
    assert [each.at for each in recording.answers] == [EPOCH + n * MINUTE for n in (1, 3, 4)]
    assert [type(each.outcome) for each in recording.answers] == [Succeeded, Failed, Succeeded]
    assert [each.took for each in recording.answers] == [SECOND] * 3
    texts = [each.outcome.response.body.text for each in recording.answers if each.outcome.response]
    assert texts == ["one", "", "two"]
    assert [each.when for each in rules.rules] == ["status == 200"]
    assert not recording.cut


async def test_trials_are_left_out(office, kept) -> None:
    """Trap T36: what somebody tried is no part of the rhythm."""
    endpoint = await office.an_endpoint()
    await ran(office, succeeded())
    await try_endpoint(office.desk, office.ada, endpoint.id)

    await replay_rules(office.desk, office.reader, endpoint.id, rules=[OFTEN])

    assert len(kept.given[0][0].answers) == 1


async def test_siblings_are_read_if_rules_ask_about_them(office, kept) -> None:
    """Those that are named, and no others."""
    job = await office.a_job()
    endpoint = await office.an_endpoint(job)
    for name in ("stock", "other"):
        await office.an_endpoint(job, name)
    await ran(office, succeeded())

    for rules in ([OFTEN], [LEADING]):
        await replay_rules(office.desk, office.reader, endpoint.id, rules=rules)

    assert [set(recording.siblings) for recording, _ in kept.given] == [set(), {"stock"}]


async def test_a_window_cuts_and_the_rules_are_the_endpoints_own(office, kept) -> None:
    """Unless others are given; without answers or rules there is nothing to replay."""
    endpoint = await office.an_endpoint()
    await ran(office, *[succeeded()] * 4)
    ask = (office.desk, office.reader, endpoint.id)
    with pytest.raises(InvalidInput, match="no rules"):
        await replay_rules(*ask)

    async with office.changing() as work:
        await change_endpoint(work, endpoint.id, EndpointChanges(rules=(OFTEN,), shadow_rules=True))
    await replay_rules(*ask, since=EPOCH + 2 * MINUTE, until=EPOCH + 3 * MINUTE)
    ((recording, rules),) = kept.given
    assert [each.at for each in recording.answers] == [EPOCH + 2 * MINUTE, EPOCH + 3 * MINUTE]
    assert rules.shadow

    with pytest.raises(InvalidInput, match="no answer was recorded"):
        await replay_rules(*ask, until=EPOCH)
    with pytest.raises(InvalidInput, match="too long"):
        await replay_rules(*ask, since=EPOCH - timedelta(days=32))


async def test_who_may_read_may_replay_and_not_without_end(office, kept) -> None:
    """What is another's does not exist; a tenant asks so often in a minute."""
    endpoint = await office.an_endpoint()
    await ran(office, succeeded())
    with pytest.raises(NotAllowed):
        await replay_rules(office.desk, office.writer, endpoint.id, rules=[OFTEN])
    with pytest.raises(NotFound):
        await replay_rules(office.desk, office.stranger, endpoint.id, rules=[OFTEN])

    for _ in range(RATE.count):
        await replay_rules(office.desk, office.reader, endpoint.id, rules=[OFTEN])
    with pytest.raises(TooManyRequests):
        await replay_rules(office.desk, office.reader, endpoint.id, rules=[OFTEN])
    assert len(kept.given) == RATE.count

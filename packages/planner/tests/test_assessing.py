"""What an endpoint's own conditions make of an answer."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.model.endpoint import Retry
from cronicorn_domain.model.rules import EndpointRule, Every, RuleSet
from cronicorn_domain.model.run import (
    Blocked,
    BodyKind,
    Failed,
    FailureKind,
    Response,
    Succeeded,
)
from cronicorn_domain.testing.builders import MINUTE, SECOND, an_endpoint, answered, at, failed
from cronicorn_domain.testing.builders import succeeded as answers
from cronicorn_domain.testing.run_log_contract import a_test_run

DUE = at("12:01:00")
JSON = BodyKind.JSON


def rules(*conditions: str) -> RuleSet:
    """Return a rule for each condition; what they do is nothing to this."""
    return RuleSet(
        rules=tuple(
            EndpointRule(when=each, then=(Every((10 + n) * SECOND),))
            for n, each in enumerate(conditions)
        )
    )


async def test_the_rules_that_hold_are_told_in_their_order(shop):
    """Conditions about the answer alone: status, body, headers, duration."""
    await shop.keep(
        an_endpoint(
            shop.job,
            rules=rules(
                "status == 200", "body.waiting > 100", "body.waiting > 500", "durationMs == 2000"
            ),
        )
    )
    run = (await shop.start(DUE))["health"]
    assessed = await shop.assess(run, answers('{"waiting":120}', kind=JSON), took=2 * SECOND)

    held = [each.when for each in assessed.ruling.held]
    assert held == ["status == 200", "body.waiting > 100", "durationMs == 2000"]
    assert assessed.ruling.remarks == ()


async def test_what_is_not_there_is_no_remark_and_what_is_broken_is(shop):
    """A member that an answer lacks is usual; a condition that fails is for a person to mend."""
    await shop.keep(
        an_endpoint(shop.job, rules=rules("body.nothing > 1", "body.waiting / 0 > 1", "true"))
    )
    run = (await shop.start(DUE))["health"]
    assessed = await shop.assess(run, answers('{"waiting":120}', kind=JSON))

    assert [each.when for each in assessed.ruling.held] == ["true"]
    assert assessed.ruling.remarks == (
        "rule 2 (body.waiting / 0 > 1) cannot be answered: divide by zero",
    )


async def test_failures_count_the_run_that_has_just_ended(shop):
    """Trap T04: the third failure in a row is the third, and a success is none."""
    await shop.keep(an_endpoint(shop.job, rules=rules("failures == 2", "failures == 0")))
    first = (await shop.start(DUE))["health"]
    await shop.settle(first, failed(), DUE)
    second = (await shop.start(DUE + 2 * MINUTE))["health"]

    bad, good = await shop.assess(second, failed()), await shop.assess(second)
    assert [each.when for each in bad.ruling.held] == ["failures == 2"]
    assert [each.when for each in good.ruling.held] == ["failures == 0"]


async def test_a_try_that_is_not_the_last_adds_no_failure(shop):
    """Of the tries of one fire time only the last counts."""
    await shop.keep(an_endpoint(shop.job, rules=rules("failures == 0"), retry=Retry(attempts=2)))
    run = (await shop.start(DUE))["health"]

    assert len((await shop.assess(run, failed())).ruling.held) == 1


async def test_the_run_before_and_siblings_can_be_asked_about(shop):
    """Their latest answer that has ended, with body; one that never ran is not there."""
    conditions = (
        "previous.body.waiting < body.waiting",
        "siblings.payments.status == 500 && !siblings.payments.succeeded",
        "!has(siblings.unknown)",
        "siblings.later.succeeded",
    )
    await shop.keep(an_endpoint(shop.job, rules=rules(*conditions)))
    await shop.keep(an_endpoint(shop.job, "payments"))
    await shop.keep(an_endpoint(shop.job, "later", created_at=at("12:30:00")))
    runs = await shop.start(DUE)
    await shop.settle(runs["health"], answers('{"waiting":7}', kind=JSON), DUE)
    await shop.settle(runs["payments"], answered(500), DUE)
    run = (await shop.start(DUE + MINUTE))["health"]
    assessed = await shop.assess(run, answers('{"waiting":8}', kind=JSON))

    assert [each.when for each in assessed.ruling.held] == list(conditions[:3])
    assert assessed.ruling.remarks == ()


async def test_a_trial_is_not_the_run_before(shop):
    """What somebody tries by hand is no answer of the rhythm: conditions do not see it."""
    kept = await shop.keep(an_endpoint(shop.job, rules=rules("previous.status == 200")))
    first = (await shop.start(DUE))["health"]
    await shop.settle(first, answers(), DUE)
    async with shop.units.begin() as unit:
        await unit.runs.add_test(a_test_run(kept, DUE + 10 * SECOND))
        await unit.commit()
    run = (await shop.start(DUE + MINUTE))["health"]
    assessed = await shop.assess(run, answers())

    assert len(assessed.ruling.held) == 1


async def test_health_is_that_of_the_hour_before(shop):
    """Successes, failures of the target, and their rate."""
    await shop.keep(
        an_endpoint(shop.job, rules=rules("health.successes == 2 && health.rate < 0.7"))
    )
    for n, outcome in enumerate((answers(), answers(), failed())):
        run = (await shop.start(DUE + n * MINUTE))["health"]
        await shop.settle(run, outcome, DUE + n * MINUTE)
    run = (await shop.start(DUE + 4 * MINUTE))["health"]

    assert len((await shop.assess(run)).ruling.held) == 1


async def test_the_endpoints_own_condition_decides_what_is_a_success(shop):
    """A 200 that says it failed is a failure, and a 404 that is expected is none."""
    await shop.keep(an_endpoint(shop.job, success_when="body.ok || status == 404"))
    run = (await shop.start(DUE))["health"]

    bad = await shop.assess(run, answers('{"ok":false}', kind=JSON))
    good = await shop.assess(run, answered(404))
    assert isinstance(bad.outcome, Failed)
    assert bad.outcome.kind is FailureKind.ASSERTION
    assert "condition does not hold" in bad.outcome.message
    assert bad.outcome.response is not None
    assert good.outcome == Succeeded(response=Response(status_code=404))


async def test_a_condition_of_success_that_cannot_be_answered_is_a_failure(shop):
    """Nobody is told that all is well when it could not be told."""
    await shop.keep(an_endpoint(shop.job, success_when="body.ok"))
    run = (await shop.start(DUE))["health"]
    assessed = await shop.assess(run, answers("no JSON"))

    assert isinstance(assessed.outcome, Failed)
    assert "cannot be answered" in assessed.outcome.message


async def test_rules_see_what_the_run_counts_as(shop):
    """They are asked after the condition of success."""
    await shop.keep(an_endpoint(shop.job, success_when="body.ok", rules=rules("failures == 1")))
    run = (await shop.start(DUE))["health"]
    assessed = await shop.assess(run, answers('{"ok":false}', kind=JSON))

    assert len(assessed.ruling.held) == 1


@pytest.mark.parametrize("kind", [FailureKind.TIMEOUT, FailureKind.CONNECTION])
async def test_where_nothing_was_answered_there_is_nothing_to_be_a_success(shop, kind):
    """A timeout stays one; rules are asked about it all the same."""
    await shop.keep(
        an_endpoint(
            shop.job,
            success_when="true",
            rules=rules("status == 0 && body == null && durationMs >= 30000"),
        )
    )
    run = (await shop.start(DUE))["health"]
    outcome = failed(kind)
    assessed = await shop.assess(run, outcome, took=timedelta(seconds=30))

    assert assessed.outcome is outcome
    assert len(assessed.ruling.held) == 1


async def test_what_was_not_attempted_is_not_judged(shop):
    """A run that was held back says nothing of its target."""
    await shop.keep(an_endpoint(shop.job, success_when="true", rules=rules("true")))
    run = (await shop.start(DUE))["health"]
    outcome = Blocked(message="held back")
    assessed = await shop.assess(run, outcome)

    assert (assessed.outcome, assessed.ruling.held) == (outcome, ())


async def test_a_failure_of_ours_and_a_try_to_come_leave_the_count(shop):
    """What the target did before still counts, and neither adds to it."""
    asked = rules("failures == 1")
    await shop.keep(an_endpoint(shop.job, rules=asked, retry=Retry(attempts=2)))
    run = (await shop.start(DUE))["health"]
    await shop.settle(run, failed(), DUE)
    again = (await shop.start(DUE + MINUTE))["health"]
    await shop.settle(again, failed(), DUE + MINUTE)
    later = (await shop.start(DUE + 10 * MINUTE))["health"]

    for kind in (FailureKind.HTTP_STATUS, FailureKind.ABANDONED):
        assert len((await shop.assess(later, failed(kind))).ruling.held) == 1


async def test_a_store_that_is_away_costs_the_ruling_and_not_the_run(shop, monkeypatch):
    """That the history cannot be read is no failure of the target, and is told."""
    await shop.keep(
        an_endpoint(shop.job, rules=rules("failures == 0"), success_when="previous.succeeded")
    )
    run = (await shop.start(DUE))["health"]

    def away() -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(shop.units, "begin", away)
    assessed = await shop.assess(run)

    assert isinstance(assessed.outcome, Succeeded)
    assert assessed.ruling.held == ()
    assert assessed.ruling.remarks == (
        "its conditions were not judged: the history could not be read (StoreUnavailable)",
    )


async def test_the_history_is_read_once_and_only_where_it_is_asked_about(shop, monkeypatch):
    """The condition of success and the rules share one look; who asks of the answer needs none."""
    looks = 0
    begin = shop.units.begin

    def counted():
        nonlocal looks
        looks += 1
        return begin()

    await shop.keep(
        an_endpoint(shop.job, rules=rules("failures == 0"), success_when="previous == {}")
    )
    await shop.keep(an_endpoint(shop.job, "plain", rules=rules("status == 200")))
    runs = await shop.start(DUE)
    monkeypatch.setattr(shop.units, "begin", counted)

    assert len((await shop.assess(runs["health"])).ruling.held) == 1
    assert looks == 1
    assert len((await shop.assess(runs["plain"])).ruling.held) == 1
    assert looks == 1

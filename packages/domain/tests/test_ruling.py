"""What of the rules that hold is granted, in the transaction that ends the run."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Guardrails, Heeds, Pause
from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.model.rules import (
    NO_RULES,
    RULES_MOST,
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.rulings import Ruling
from cronicorn_domain.policies.change import Change
from cronicorn_domain.testing.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_interval_hint,
    answered,
    at,
)
from cronicorn_domain.testing.story import FAILURE, SUCCESS, Story, told

FASTER = EndpointRule(when="status >= 500", then=(Every(30 * SECOND),), life=15 * MINUTE)
SLOWER = EndpointRule(when="status == 200", then=(Every(2 * HOUR),))
AGAIN = EndpointRule(when="body.pending", then=(RunIn(5 * SECOND),), reason="the batch is not done")
RESTING = EndpointRule(when="body.down", then=(PauseFor(10 * MINUTE),), cooldown=HOUR)
RECOVER = EndpointRule(when="failures == 3", then=(TriggerSibling("recover"),), cooldown=HOUR)
CALM = EndpointRule(when="body.calm", then=(ClearHints(),))
TELL = EndpointRule(when="body.low", then=(Notify(),), reason="the stock is low")
LOOK = EndpointRule(when="body.odd", then=(Analyze(), Notify()), life=15 * MINUTE)
ALL = (FASTER, SLOWER, AGAIN, RESTING, RECOVER, CALM)


def ruled(*rules: EndpointRule, shadow: bool = False, **fields: object) -> Story:
    """Begin the life of an endpoint with rules, an hour apart unless told otherwise."""
    fields = {"every": HOUR, "rules": RuleSet(rules=rules or ALL, shadow=shadow)} | fields
    return told(**fields)  # type: ignore[arg-type]


def run(story: Story, *held: EndpointRule, remarks: tuple[str, ...] = ()) -> Change:
    """Run what is due next for a second; these rules hold of its answer."""
    assert story.claim_when_due() is not None
    story.start()
    story.at(story.now + SECOND)
    return story.settle(SUCCESS, Ruling(held=held, remarks=remarks))


def test_an_interval_takes_effect_with_the_run_that_caused_it() -> None:
    """The next run is planned by the rule at once, and says which rule it was."""
    story = ruled()
    run(story, FASTER)

    assert story.next is not None
    assert story.next.source is Source.RULE_INTERVAL
    assert story.next.slot == at("13:00:30")
    (hint,) = story.situation.hints
    assert isinstance(hint, IntervalHint)
    assert hint.author is Author.RULE
    assert hint.reason == "the rule status >= 500 holds"
    assert hint.expires_at == at("13:00:01") + 15 * MINUTE


def test_guardrails_hold_against_rules() -> None:
    """Nothing goes below the shortest interval, nor below the tenant's floor: traps T17, T33."""
    story = ruled(guardrails=Guardrails(shortest=10 * MINUTE))
    run(story, FASTER)
    floored = ruled(floor=5 * MINUTE)
    run(floored, FASTER)

    assert story.next is not None
    assert story.next.slot == at("13:10:00")
    assert floored.next is not None
    assert floored.next.slot == at("13:05:00")


def test_the_first_rule_in_the_order_is_heard() -> None:
    """Two rules that want different intervals do not add up, and neither is lost for the others."""
    story = ruled()
    change = run(story, FASTER, SLOWER, AGAIN)

    lengths = [each.every for each in change.hints if isinstance(each, IntervalHint)]
    assert lengths == [30 * SECOND]
    assert [each.at for each in change.hints if isinstance(each, OneShotHint)] == [at("13:00:06")]


def test_a_rule_that_goes_on_holding_does_not_write_the_same_again() -> None:
    """While more than half of the hint's life is ahead it is left as it is; then it is renewed."""
    story = ruled()
    written = [len(run(story, FASTER).hints) for _ in range(17)]

    assert written[0] == 1
    assert sum(written) == 2
    assert story.next is not None
    assert story.next.source is Source.RULE_INTERVAL


def test_a_single_run_that_is_to_come_is_not_asked_for_twice() -> None:
    """A condition that holds every second asks for one more run, and not for a pile of them."""
    story = ruled(AGAIN, every=2 * SECOND)
    first = run(story, AGAIN)
    second = run(story, AGAIN)

    assert len(first.hints) == 1
    assert second.hints == ()


def test_a_single_run_says_why() -> None:
    """The reason that the rule's author gave is the hint's."""
    story = ruled()
    run(story, AGAIN)

    assert story.next is not None
    assert story.next.source is Source.RULE_ONESHOT
    assert story.situation.hints[0].reason == "the batch is not done"


def test_a_pause_holds_for_its_length_and_no_longer() -> None:
    """A rule's pause ends by itself."""
    story = ruled(every=MINUTE)
    run(story, RESTING)

    until = at("12:01:01") + 10 * MINUTE
    assert story.situation.endpoint.pause == Pause(until=until, reason="the rule body.down holds")
    assert story.claimable_from is not None
    assert story.claimable_from >= until


def test_who_has_paused_the_endpoint_has_the_say() -> None:
    """A person's pause during the run is not replaced by a rule's; trap T08."""
    story = ruled(every=MINUTE)
    assert story.claim_when_due() is not None
    story.start()
    story.pause(at("12:01:00") + DAY)
    story.at(story.now + SECOND)
    change = story.settle(SUCCESS, Ruling(held=(RESTING,)))

    assert change.pause is None
    assert story.situation.endpoint.pause == Pause(until=at("12:01:00") + DAY)


def test_a_rule_rests_after_it_has_acted() -> None:
    """Within its cooldown it says nothing; the instant at which it ends is over: trap T44."""
    story = ruled(RECOVER, every=30 * MINUTE)
    acted = [bool(run(story, RECOVER).siblings) for _ in range(4)]

    assert acted == [True, False, True, False]


def test_a_sibling_is_asked_for_once_and_never_oneself() -> None:
    """Two rules that want the same sibling make one trigger."""
    both = EndpointRule(
        when="body.bad", then=(TriggerSibling("recover"), TriggerSibling("told"), Every(MINUTE))
    )
    story = ruled(RECOVER, both)
    change = run(story, RECOVER, both)

    asked = [(each.name, each.reason) for each in change.siblings]
    assert asked == [("recover", "the rule failures == 3 holds")]


def test_clearing_ends_what_rules_and_models_wrote_and_nothing_of_a_person() -> None:
    """A person's hint is replaced by nobody while it lives."""
    story = ruled()
    now = story.now
    kept: list[Hint] = [
        an_interval_hint(10 * MINUTE, created_at=now, author=Author.API),
        an_interval_hint(10 * MINUTE, created_at=now, author=Author.RESPONSE),
    ]
    gone: list[Hint] = [
        an_interval_hint(5 * MINUTE, created_at=now, author=Author.AI),
        a_oneshot(now + DAY, created_at=now, author=Author.RULE),
    ]
    for each in (*kept, *gone):
        story.offer(each)
    change = run(story, CALM)

    assert set(change.cleared) == {each.id for each in gone}
    assert set(story.situation.hints) == set(kept)


def test_what_is_cleared_does_not_keep_a_rule_from_writing_anew() -> None:
    """A rule that clears and one that tightens: what was is over, what is now holds."""
    story = ruled()
    run(story, FASTER)
    (before,) = story.situation.hints
    change = run(story, CALM, FASTER)

    assert change.cleared == (before.id,)
    (after,) = story.situation.hints
    assert after.id != before.id


def test_in_the_shadow_rules_are_told_and_do_nothing() -> None:
    """Who tries rules out sees on each run what they would have done."""
    story = ruled(shadow=True)
    change = run(story, FASTER, AGAIN, RECOVER, CALM, RESTING)

    assert (change.hints, change.cleared, change.siblings, change.pause) == ((), (), (), None)
    assert change.state.resting == ()
    assert change.remark == (
        "would run every 30 s, since status >= 500; would run again in 5 s, since body.pending;"
        " would trigger recover, since failures == 3; would clear hints, since body.calm;"
        " would pause for 10 min, since body.down"
    )
    assert story.next is not None
    assert story.next.source is Source.BASELINE_INTERVAL


def test_a_rule_that_was_edited_away_during_the_run_says_nothing() -> None:
    """What a person does takes effect at once; trap T08."""
    story = ruled()
    assert story.claim_when_due() is not None
    story.start()
    story.edit(rules=NO_RULES)
    story.at(story.now + SECOND)

    assert story.settle(SUCCESS, Ruling(held=(FASTER,))).hints == ()


def test_an_archived_endpoint_takes_no_hints_and_no_pause() -> None:
    """Its last run may end; nothing follows."""
    story = ruled()
    assert story.claim_when_due() is not None
    story.start()
    story.archive()
    story.at(story.now + SECOND)
    change = story.settle(SUCCESS, Ruling(held=(FASTER, AGAIN, RESTING)))

    assert (change.hints, change.pause) == ((), None)
    assert story.next is None


def test_what_cannot_be_answered_is_told_on_the_run() -> None:
    """A broken condition is seen where one looks for it, beside what the target asked for."""
    story = ruled(heeds=Heeds(hints=True))
    assert story.claim_when_due() is not None
    story.start()
    story.at(story.now + SECOND)
    change = story.settle(
        answered(200, Cronicorn_Next_Run_In="soon"), Ruling(remarks=("rule 2 failed: why",))
    )

    assert change.remark is not None
    assert "Cronicorn-Next-Run-In" in change.remark
    assert change.remark.endswith("; rule 2 failed: why")


def test_people_are_told_why_and_not_with_each_run() -> None:
    """A condition that holds all day tells once in the rule's life; it acts all the same."""
    rule = replace(TELL, then=(*TELL.then, Every(20 * MINUTE)))
    story = ruled(rule, every=10 * MINUTE)
    told_of = [run(story, rule).notice for _ in range(5)]

    assert told_of == ["the stock is low", None, None, "the stock is low", None]
    assert story.next is not None
    assert story.next.source is Source.RULE_INTERVAL


def test_a_rule_with_a_cooldown_tells_when_it_acts() -> None:
    """The rest it takes is the one that was asked for."""
    rule = replace(TELL, cooldown=DAY)
    story = ruled(rule, every=HOUR)

    assert [run(story, rule).notice for _ in range(3)] == ["the stock is low", None, None]
    assert [each.key for each in story.state.resting] == [rule.key]


def test_rules_that_tell_at_once_tell_in_one() -> None:
    """With all their reasons; the planner is asked by those that ask for it."""
    change = run(ruled(TELL, LOOK), TELL, LOOK)

    assert change.notice == "the stock is low; the rule body.odd holds"
    assert change.analysis == "the rule body.odd holds"
    assert change.remark == "asks for an analysis: the rule body.odd holds"


def test_in_the_shadow_nobody_is_told() -> None:
    """The run says who would have been."""
    change = run(ruled(LOOK, shadow=True), LOOK)

    assert (change.notice, change.analysis) == (None, None)
    assert change.remark == "would ask for an analysis, tell people, since body.odd"


def test_rules_are_heard_of_failed_runs_too() -> None:
    """A failure is what most rules are about."""
    story = ruled(every=MINUTE)
    assert story.claim_when_due() is not None
    story.start()
    story.at(story.now + SECOND)
    story.settle(FAILURE, Ruling(held=(FASTER,)))

    assert story.next is not None
    assert story.next.source is Source.RULE_INTERVAL
    assert story.state.failures == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"then": ()}, "then"),
        ({"then": (Every(MINUTE), Every(HOUR))}, "then"),
        ({"then": (Every(timedelta()),)}, "then.every"),
        ({"then": (RunIn(-SECOND),)}, "then.run_in"),
        ({"then": (PauseFor(timedelta(days=4000)),)}, "then.pause_for"),
        ({"then": (TriggerSibling(""),)}, "name"),
        ({"life": timedelta()}, "for"),
        ({"cooldown": timedelta()}, "cooldown"),
        ({"reason": "x" * 300}, "reason"),
        ({"when": "body == '\0'"}, "when"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(fields: dict[str, object], field: str) -> None:
    """The member at fault is named."""
    with pytest.raises(InvalidInput) as refusal:
        replace(FASTER, **fields)  # type: ignore[arg-type]

    assert refusal.value.field == field


def test_there_are_only_so_many_rules_and_each_of_them_once() -> None:
    """They are judged in a bounded time."""
    many = tuple(replace(FASTER, when=f"status == {n}") for n in range(RULES_MOST + 1))
    RuleSet(rules=many[:-1])

    for rules in (many, (FASTER, SLOWER, FASTER)):
        with pytest.raises(InvalidInput, match="rule"):
            RuleSet(rules=rules)


def test_what_a_rule_clears_held_until_then() -> None:
    """Cleared with the end of a run it is as if a person had cleared right behind: trap T49."""
    by_rule, by_hand = (_under_hints() for _ in range(2))
    by_rule.settle(SUCCESS, Ruling(held=(CALM,)))
    by_hand.settle()
    by_hand.clear_hints()

    assert by_hand.next is not None
    assert by_hand.next.slot == at("12:07:00")
    assert by_rule.next == by_hand.next
    assert by_rule.records == by_hand.records


def _under_hints() -> Story:
    """Let a run by hand last over the instant of a single run, under a hint of half an hour."""
    story = ruled(CALM, every=MINUTE)
    run(story)
    story.offer(an_interval_hint(30 * MINUTE, created_at=story.now, author=Author.AI))
    story.offer(a_oneshot(at("12:03:30"), created_at=story.now, author=Author.AI))
    story.at(at("12:03:20")).trigger()
    assert story.claim() is not None
    story.start()
    return story.at(at("12:06:10"))

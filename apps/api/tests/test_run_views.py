"""What the page of a run says of the hints that lived then, from values."""

from dataclasses import replace

import pytest
from cronicorn_api.pages.frame.look import Look, Times
from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.runs.views import Cause, run_view
from cronicorn_domain.identity import HintId, RunId, WorkerId, new_uuid
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.hint import Author, Hint
from cronicorn_domain.model.rules import EndpointRule, Every, PauseFor, RuleSet, RunIn
from cronicorn_domain.model.run import Run
from cronicorn_domain.ports.chronicle import Surroundings
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    a_job,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
)
from cronicorn_management.history.surroundings import RunAmongOthers

RULES = RuleSet(
    rules=(
        EndpointRule(when="failures > 3", then=(PauseFor(MINUTE),), reason="long"),
        EndpointRule(when="body.n > 100", then=(Every(MINUTE), RunIn(MINUTE)), reason="long"),
        EndpointRule(when="body.n > 9", then=(Every(HOUR),)),
    )
)
ENDPOINT = replace(an_endpoint(a_job()), rules=RULES)
RUN = Run(
    id=RunId(new_uuid()),
    endpoint_id=ENDPOINT.id,
    tenant=ENDPOINT.tenant,
    decision=Decision(slot=EPOCH, due_at=EPOCH, source=Source.RULE_INTERVAL),
    kind=Kind.RECURRING,
    attempt=1,
    worker=WorkerId("a"),
    claimed_at=EPOCH,
)


def cause_of(hint: Hint) -> Cause:
    """Return what is said of a hint."""
    found = RunAmongOthers(
        endpoint=ENDPOINT,
        around=Surroundings(run=RUN, attempts=(RUN,)),
        hints=(HintRecord(hint=hint),),
    )
    (cause,) = run_view(found, Zones(look=Look(times=Times.UTC), now=EPOCH)).causes
    return cause


@pytest.mark.parametrize(
    ("hint", "place"),
    [
        (an_interval_hint(author=Author.RULE, reason="long", created_at=EPOCH), "#rule-2"),
        (a_oneshot(EPOCH, author=Author.RULE, reason="long", created_at=EPOCH), "#rule-2"),
        (
            an_interval_hint(
                author=Author.RULE, reason="the rule body.n > 9 holds", created_at=EPOCH
            ),
            "#rule-3",
        ),
        (an_interval_hint(author=Author.RULE, reason="edited away", created_at=EPOCH), ""),
    ],
    ids=["interval", "oneshot", "without a reason of its own", "edited away"],
)
def test_a_hint_of_a_rule_leads_to_it(hint: Hint, place: str) -> None:
    """By what it does and why; to all rules, if that one is not there any more."""
    assert cause_of(hint).made_at == f"/endpoints/{ENDPOINT.id}/rules{place}"


def test_hints_of_ai_and_of_an_answer_lead_to_what_asked_for_them() -> None:
    """To the session at that instant, and to the run that was answered so; a person's to none."""
    asking = new_uuid()

    of_ai = cause_of(an_interval_hint(author=Author.AI, created_at=EPOCH))
    of_answer = replace(a_oneshot(EPOCH, author=Author.RESPONSE), id=HintId(asking))
    of_person = cause_of(an_interval_hint(author=Author.API, created_at=EPOCH))

    assert of_ai.made_at.startswith(f"/endpoints/{ENDPOINT.id}/sessions?at=2025-01-01T12%3A00")
    assert cause_of(of_answer).made_at == f"/runs/{asking}"
    assert of_person.made_at == ""

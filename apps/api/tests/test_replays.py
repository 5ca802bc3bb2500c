"""Rules run over what was recorded, over the wire."""

from datetime import timedelta

import pytest
from cronicorn_api.composition import open_service
from cronicorn_domain.model.run import BodyKind
from cronicorn_domain.testing.builders import succeeded
from cronicorn_planner.replaying.rule_replayer import RuleReplayer
from cronicorn_planner.rules.assessing import RuleAssessor

TIGHTEN = {
    "when": "body.waiting > 100",
    "then": {"everyMs": 1000, "trigger": ["drain"]},
    "reason": "the queue is long",
}
CALM = {"when": "body.waiting < 10", "then": {"clear": True}}


@pytest.fixture
def surged(client):
    """Give an endpoint of an hour that has told three times how many wait."""
    endpoint = client.an_endpoint(name="queue")
    for waiting in (1, 200, 2):
        body = succeeded(f'{{"waiting": {waiting}}}', kind=BodyKind.JSON)
        client.run_now(endpoint, body, lasts=timedelta(milliseconds=1500))
    return endpoint


def test_rules_are_replayed_over_what_was_recorded(client, surged) -> None:
    """What both ways would have done, and which rule did what; nothing of it is kept."""
    before = client.get(f"/jobs/_/endpoints/{surged['id']}").json()
    path = f"/endpoints/{surged['id']}/rules/replay"
    answer = client.post(path, json={"rules": [TIGHTEN, CALM]})

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["answers"] == 3
    assert sum(told["recorded"]) == 3
    assert [each["number"] for each in told["rules"]] == [1, 2]
    assert told["rules"][0]["when"] == "body.waiting > 100"
    assert [each["held"] for each in told["turns"]] == [[1], [2]]
    assert told["ruled"]["count"] == len(told["ruled"]["calls"]) == sum(told["ruled"]["perPart"])
    assert told["saved"] == told["fixed"]["count"] - told["ruled"]["count"]
    assert len(told["assumptions"]) > 3
    assert "cut" not in told
    assert client.get(f"/jobs/_/endpoints/{surged['id']}").json() == before


def test_without_rules_in_the_request_they_are_the_endpoints(client, surged) -> None:
    """Also those in the shadow, which is where one asks before they act."""
    path = f"/endpoints/{surged['id']}/rules"
    empty = client.post(f"{path}/replay")
    assert (empty.status_code, empty.json()["issues"][0]["path"]) == (422, "rules")

    client.put(path, json={"rules": [CALM], "shadow": True}).raise_for_status()
    assert client.post(f"{path}/replay").json()["rules"][0]["when"] == CALM["when"]


@pytest.mark.parametrize(
    ("given", "path", "told"),
    [
        ({"rules": [{**TIGHTEN, "when": "statsu == 1"}]}, "rules.0.when", "there is no 'statsu'"),
        ({"rules": [{**TIGHTEN, "then": {}}]}, "rules.0.then", "does nothing"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since", "before"),
        ({"since": "2020-01-01T00:00:00Z"}, "since", "too long"),
        (
            {"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"},
            "since",
            "no answer was recorded",
        ),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_its_place(
    client, surged, given, path, told
) -> None:
    """The member at fault, and what to do instead."""
    answer = client.post(
        f"/endpoints/{surged['id']}/rules/replay", json={"rules": [TIGHTEN], **given}
    )

    assert answer.status_code == 422
    (issue,) = answer.json()["issues"]
    assert issue["path"] == path
    assert told in issue["message"]


def test_a_single_instant_has_no_rhythm_to_replay(client) -> None:
    """It says so, whatever the rules."""
    endpoint = client.an_endpoint(runAt="2999-01-01T00:00:00Z")
    answer = client.post(f"/endpoints/{endpoint['id']}/rules/replay", json={"rules": [TIGHTEN]})

    assert answer.status_code == 422
    assert "single instant" in answer.json()["issues"][0]["message"]


def test_a_preview_can_assume_that_all_goes_on_as_it_is(client, surged) -> None:
    """Rules know the latest answer then; of a success that is assumed they know the status."""
    path = f"/endpoints/{surged['id']}"
    minute = {"when": "body.waiting == 2", "then": {"everyMs": 60_000}}
    client.put(f"{path}/rules", json={"rules": [minute]}).raise_for_status()
    sources = {
        assume: [
            each["source"]
            for each in client.get(f"{path}/preview", params={"count": 3, "assume": assume}).json()[
                "fireTimes"
            ]
        ]
        for assume in ("latest", "success")
    }

    assert sources["latest"][1:] == ["rule-interval"] * 2
    assert sources["success"] == ["baseline-interval"] * 3


async def test_replays_are_asked_of_no_process_that_runs_wait_for(tmp_path) -> None:
    """A replay asks by the thousands; a worker beside the API settles its runs meanwhile."""
    async with open_service(f"sqlite:///{tmp_path / 'cronicorn.db'}", None) as service:
        replays, assessor = service.desk.replays, service.worker._assessor
        assert isinstance(replays, RuleReplayer)
        assert isinstance(assessor, RuleAssessor)
        assert replays._evaluator is not assessor._evaluator

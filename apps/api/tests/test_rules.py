"""Rules over the wire: set, shown, checked, and gone."""

import pytest

RULE = {
    "when": "body.queue > 100",
    "then": {"everyMs": 30_000, "trigger": ["drain"], "clear": True},
    "forMs": 900_000,
    "cooldownMs": 3_600_000,
    "reason": "the queue is long",
}


def shown(client, endpoint: dict) -> dict:
    """Read an endpoint back."""
    answer: dict = client.get(f"/jobs/_/endpoints/{endpoint['id']}").raise_for_status().json()
    return answer


def test_rules_are_shown_as_they_were_given(client) -> None:
    """In their order, and nothing that was not said but the usual life."""
    endpoint = client.an_endpoint()
    path = f"/endpoints/{endpoint['id']}/rules"
    short = {"when": "status >= 500", "then": {"runInMs": 5000, "notify": True, "analyze": True}}
    answer = client.put(path, json={"rules": [RULE, short]})

    assert answer.status_code == 200
    assert shown(client, endpoint)["rules"] == [RULE, {**short, "forMs": 3_600_000}]
    assert "shadowRules" not in shown(client, endpoint)


def test_rules_can_be_tried_in_the_shadow_and_cleared(client) -> None:
    """Trap T12: what was set can be taken away, by a whole set or by an edit."""
    endpoint = client.an_endpoint()
    path = f"/endpoints/{endpoint['id']}/rules"
    assert client.put(path, json={"rules": [RULE], "shadow": True}).json()["shadowRules"] is True
    assert client.put(path, json={"rules": []}).json()["rules"] == []

    edited = client.patch(
        f"/jobs/_/endpoints/{endpoint['id']}",
        json={"rules": [RULE], "successWhen": "body.ok", "pauseWhenGone": True},
    ).json()
    assert (edited["rules"], edited["successWhen"]) == ([RULE], "body.ok")
    assert edited["pauseWhenGone"] is True
    nulls = dict.fromkeys(("rules", "successWhen", "pauseWhenGone", "shadowRules"))
    cleared = client.patch(f"/jobs/_/endpoints/{endpoint['id']}", json=nulls).json()
    assert cleared["rules"] == []
    assert not {"successWhen", "pauseWhenGone", "shadowRules"} & cleared.keys()


@pytest.mark.parametrize(
    ("rule", "path", "told"),
    [
        ({"when": "statsu == 1"}, "rules.0.when", "there is no 'statsu'"),
        ({"when": "status > 'a'"}, "rules.0.when", "line 1, column 8"),
        ({"when": "status"}, "rules.0.when", "yes or no"),
        ({"then": {}}, "rules.0.then", "does nothing"),
        ({"then": {"everyMs": 5}}, "rules.0.then.everyMs", "not possible"),
        ({"forMs": 0}, "rules.0.forMs", "not possible"),
        ({"cooldownMs": 0}, "rules.0.cooldownMs", "not possible"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(client, rule, path, told) -> None:
    """The member at fault by the name it has on the wire, and nothing is kept."""
    endpoint = client.an_endpoint()
    answer = client.put(f"/endpoints/{endpoint['id']}/rules", json={"rules": [{**RULE, **rule}]})

    assert answer.status_code == 422
    (issue,) = answer.json()["issues"]
    assert issue["path"] == path
    assert told in issue["message"]
    assert shown(client, endpoint)["rules"] == []

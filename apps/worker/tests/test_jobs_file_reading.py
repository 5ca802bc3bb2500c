"""A jobs file means what it says: every setting, YAML 1.2's plain values, and the environment."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Guardrails,
    Header,
    Heeds,
    Limits,
    Method,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.rules import (
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
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_worker.jobs_file.desired import DesiredEndpoint, DesiredJob
from cronicorn_worker.jobs_file.json_schema import SCHEMA_FILE, schema_text

Read = Callable[..., tuple[DesiredJob, ...]]

EVERYTHING = """\
jobs:
  - name: shop
    description: What sells
    paused: true
    endpoints:
      - name: orders
        description: Places one
        url: https://shop.example/orders?x=1
        method: post
        headers:
          Authorization: Bearer ${TOKEN}
          X-Plain: "007"
          X-Hidden: {value: abc, secret: true}
        body: {sku: moon-lamp, count: 2, tags: [a, on, 12:30, ~]}
        cron: "30 2 * * MON-FRI"
        timezone: Europe/Berlin
        gap: skip
        repeat: second
        min: 1m
        max: 1h30m
        jitter: 500ms
        starts_at: 2026-01-01T00:00:00+01:00
        ends_at: 2027-01-01 00:00:00Z
        max_runs: ${RUNS}
        misfire: {policy: catch-up, grace: 5m, catch_up_limit: 3}
        retry: {attempts: 3, backoff: 250ms, backoff_most: 10s}
        delivery: at_most_once
        timeout: 1.5s
        max_response_size: 64KiB
        redirects: 2
        response_hints: true
        pause_when_gone: true
        success_when: body.ok
        shadow_rules: true
        rules:
          - when: body.queue > 100
            then:
              {every: 30s, run_in: 5s, pause_for: 10m, trigger: [drain, mail out], clear: true,
               notify: true, analyze: true}
            for: 15m
            cooldown: 1h
            reason: the queue is long
          - {when: status >= 500, then: {trigger: drain}}
        paused: 2026-12-01T09:00:00Z
"""


def only(jobs: tuple[DesiredJob, ...]) -> DesiredEndpoint:
    """Return the only endpoint of the only job."""
    ((endpoint,),) = (job.endpoints for job in jobs)
    return endpoint


def test_every_setting_is_read(read: Read) -> None:
    """What SEMANTICS knows can be said in a file, and nothing is lost on the way."""
    (job,) = read(EVERYTHING, TOKEN="s3cret", RUNS="10")
    endpoint = only((job,))

    assert (job.name, job.description, job.paused) == ("shop", "What sells", True)
    assert endpoint.name == "orders"
    assert endpoint.meant.description == "Places one"
    assert endpoint.meant.request.url == "https://shop.example/orders?x=1"
    assert endpoint.meant.request.method is Method.POST
    assert endpoint.meant.request.headers == (
        Header(name="Authorization", value="Bearer s3cret", secret=True),
        Header(name="X-Plain", value="007"),
        Header(name="X-Hidden", value="abc", secret=True),
        Header(name="Content-Type", value="application/json"),
    )
    assert endpoint.meant.schedule == CronSchedule(
        expression=CronExpression.parse("30 2 * * MON-FRI"),
        timezone="Europe/Berlin",
        gap=GapPolicy.SKIP,
        repeat=RepeatPolicy.SECOND,
    )
    assert endpoint.meant.guardrails == Guardrails(
        shortest=timedelta(minutes=1), longest=timedelta(minutes=90)
    )
    assert endpoint.meant.jitter == timedelta(milliseconds=500)
    assert endpoint.meant.bounds == Bounds(
        starts_at=datetime(2025, 12, 31, 23, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        max_runs=10,
    )
    assert endpoint.meant.misfire == Misfire(
        policy=MisfirePolicy.CATCH_UP, grace=timedelta(minutes=5), catch_up_limit=3
    )
    assert endpoint.meant.retry == Retry(
        attempts=3, backoff=timedelta(milliseconds=250), backoff_most=timedelta(seconds=10)
    )
    assert endpoint.meant.delivery is Delivery.AT_MOST_ONCE
    assert endpoint.meant.success_when == "body.ok"
    drain = TriggerSibling("drain")
    assert endpoint.meant.rules == RuleSet(
        rules=(
            EndpointRule(
                when="body.queue > 100",
                then=(
                    Every(timedelta(seconds=30)),
                    RunIn(timedelta(seconds=5)),
                    PauseFor(timedelta(minutes=10)),
                    drain,
                    TriggerSibling("mail out"),
                    ClearHints(),
                    Notify(),
                    Analyze(),
                ),
                life=timedelta(minutes=15),
                cooldown=timedelta(hours=1),
                reason="the queue is long",
            ),
            EndpointRule(when="status >= 500", then=(drain,)),
        ),
        shadow=True,
    )
    assert endpoint.meant.limits == Limits(
        timeout=timedelta(milliseconds=1500), response_size=65536, redirects=2
    )
    assert endpoint.meant.heeds == Heeds(hints=True, gone=True)
    assert endpoint.paused == datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_a_body_that_is_no_text_is_sent_as_json(read: Read) -> None:
    """YAML 1.2 decides what is a number: `on` and `12:30` are text, and keys keep their order."""
    body = only(read(EVERYTHING, TOKEN="t", RUNS="1")).meant.request.body

    assert body == '{"sku":"moon-lamp","count":2,"tags":["a","on","12:30",null]}'


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("hello", "hello"),
        ('"null"', "null"),
        ("|\n          two\n          lines", "two\nlines\n"),
        ("010", "10"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("1e3", "1000.0"),
        ("-.5", "-0.5"),
        ("True", "true"),
        ("1_000", "1_000"),
        ("2026-12-01", "2026-12-01"),
        ("!!str 5", "5"),
        ("ünï", "ünï"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_plain_values_follow_the_core_schema(read: Read, written: str, sent: str) -> None:
    """Octal needs 0o, underscores and dates are text, and what is quoted is text."""
    text = f"""\
jobs:
  - name: shop
    endpoints:
      - name: a
        url: http://shop.example
        every: 2s
        body: {written}
"""

    assert only(read(text)).meant.request.body == sent


def test_a_text_body_brings_no_content_type(read: Read) -> None:
    """Only JSON that we wrote is announced as such, and never twice."""
    base = "jobs: [{name: a, endpoints: [{name: b, url: 'http://x.example', every: 2s, %s}]}]"

    plain = only(read(base % "body: hello"))
    named = only(read(base % "body: [1], headers: {content-type: application/x-mine+json}"))

    assert plain.meant.request.headers == ()
    assert [header.value for header in named.meant.request.headers] == ["application/x-mine+json"]


@pytest.mark.parametrize(
    ("member", "schedule"),
    [
        ("every: 1h30m", IntervalSchedule(every=timedelta(minutes=90))),
        ("at: 2026-12-01T10:00:00+01:00", OnceSchedule(at=datetime(2026, 12, 1, 9, tzinfo=UTC))),
        (
            "cron: '@daily'",
            CronSchedule(expression=CronExpression.parse("@daily"), timezone="UTC"),
        ),
    ],
)
def test_a_schedule_is_one_of_three(read: Read, member: str, schedule: object) -> None:
    """An interval, a cron expression (in UTC unless said), or a single instant."""
    text = f"jobs: [{{name: a, endpoints: [{{name: b, url: 'http://x.example', {member}}}]}}]"

    assert only(read(text)).meant.schedule == schedule


def test_what_is_left_out_has_its_default(read: Read) -> None:
    """A file says what matters; a pause that is not mentioned is left as it stands."""
    text = "jobs: [{name: a, endpoints: [{name: b, url: 'http://x.example', every: 2s, max: }]}]"

    (job,) = read(text)
    endpoint = only((job,))

    assert (job.description, job.paused) == (None, None)
    assert endpoint.meant.request.method is Method.GET
    assert endpoint.meant.guardrails == Guardrails()
    assert endpoint.meant.misfire == Misfire()
    assert endpoint.meant.retry == Retry()
    assert endpoint.meant.limits == Limits()
    assert endpoint.meant.delivery is Delivery.AT_LEAST_ONCE
    assert endpoint.paused is None


def test_a_variable_is_text_wherever_it_stands(read: Read) -> None:
    """A token made of digits stays a text, and $${ stands for itself."""
    text = """\
jobs:
  - name: ${NAME}
    endpoints:
      - name: b
        url: http://${HOST}:${PORT}/
        every: ${EVERY}
        paused: ${PAUSED}
        headers: {x-token: '${TOKEN}'}
        body: {count: "${TOKEN}", price: "$${TOKEN} $5"}
"""

    (job,) = read(
        text, NAME="1.10", HOST="x.example", PORT="80", EVERY="5s", PAUSED="TRUE", TOKEN="0123"
    )
    endpoint = only((job,))

    assert job.name == "1.10"
    assert endpoint.meant.request.url == "http://x.example:80/"
    assert endpoint.meant.schedule == IntervalSchedule(every=timedelta(seconds=5))
    assert endpoint.paused is True
    assert endpoint.meant.request.headers[0].value == "0123"
    assert json.loads(endpoint.meant.request.body or "") == {
        "count": "0123",
        "price": "${TOKEN} $5",
    }


def test_anchors_and_merge_keys_save_repetition(read: Read) -> None:
    """An alias is the value it names; a merged key gives way to one that is written."""
    text = """\
jobs:
  - name: shop
    endpoints:
      - &health
        name: health
        url: http://shop.example/health
        every: 2s
        retry: &patient {attempts: 3}
      - <<: *health
        name: stock
        retry: *patient
        every: 5s
"""

    (job,) = read(text)
    health, stock = job.endpoints

    assert (stock.name, stock.meant.request.url) == ("stock", health.meant.request.url)
    assert stock.meant.schedule == IntervalSchedule(every=timedelta(seconds=5))
    assert stock.meant.retry == health.meant.retry == Retry(attempts=3)


def test_the_json_schema_is_current() -> None:
    """Editors check by the schema that ships; `python -m …json_schema` writes it anew."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_json_schema_knows_every_member() -> None:
    """Each member is described, and no key but these is allowed."""
    endpoint = json.loads(schema_text())["$defs"]["EndpointEntry"]

    assert endpoint["additionalProperties"] is False
    assert {"name", "url", "every", "cron", "at", "misfire", "paused"} <= set(
        endpoint["properties"]
    )
    assert all(member.get("description") for member in endpoint["properties"].values())
    assert endpoint["required"] == ["name", "url"]

"""
The members of a jobs file: the one source of what is accepted and of the JSON Schema.

A member that is left out has the default named here. The exception is ``paused``: left out, a
pause stays as it stands, so that applying a file does not undo what a person did meanwhile.
"""

from typing import Annotated

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.endpoint import (
    ATTEMPTS_MOST,
    CATCH_UP_MOST,
    REDIRECTS_MOST,
    Delivery,
    Limits,
    Method,
    Misfire,
    Retry,
)
from cronicorn_domain.model.hint import DEFAULT_LIFE
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.rules import RULES_MOST
from cronicorn_domain.model.signing import Signing
from cronicorn_management.settings import SCHEDULES
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from cronicorn_worker.jobs_file.field_types import (
    COUNT_MOST,
    AiModeName,
    Allowed,
    Count,
    DeliveryName,
    Flag,
    GapName,
    Instant,
    Length,
    MethodName,
    MisfireName,
    Names,
    Paused,
    RepeatName,
    SigningName,
    Size,
    Text,
)

_MISFIRE = Misfire()
_RETRY = Retry()
_LIMITS = Limits()


class Entry(BaseModel):
    """A mapping in the file; an unknown key is a fault, not a comment."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HeaderEntry(Entry):
    """A header with more to say than its value."""

    value: Text
    """What is sent."""
    secret: Flag = False
    """Encrypt the value at rest and mask it on read."""


class MisfireEntry(Entry):
    """What becomes of slots missed by more than the grace."""

    policy: MisfireName = _MISFIRE.policy
    """run_once (default): one run for all missed; skip: none; catch_up: each of the newest."""
    grace: Annotated[Length, Allowed("0s to 366d")] = _MISFIRE.grace
    """How late a slot may be claimed and still be in time. Default 60s."""
    catch_up_limit: Annotated[Count, Allowed(f"1 to {CATCH_UP_MOST}")] = _MISFIRE.catch_up_limit
    """How many missed slots catch_up runs. Default 10."""


class RetryEntry(Entry):
    """Further attempts within one fire time."""

    attempts: Annotated[Count, Allowed(f"1 to {ATTEMPTS_MOST}")] = _RETRY.attempts
    """Attempts in all. Default 1: no retry."""
    backoff: Annotated[Length, Allowed("0s to 1h")] = _RETRY.backoff
    """The longest first wait; it doubles from attempt to attempt. Default 1s."""
    backoff_most: Annotated[Length, Allowed("0s to 1h")] = _RETRY.backoff_most
    """The longest wait between any two attempts. Default 1m."""


def _header(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


Headers = dict[str, Annotated[HeaderEntry, BeforeValidator(_header, str | HeaderEntry)]]


class ThenEntry(Entry):
    """What a rule does; at least one of them."""

    every: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """Run at another interval while the rule's hint lives."""
    run_in: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """Run once more, so long after the end of the run."""
    pause_for: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """Do not run for so long."""
    trigger: Names = ()
    """Run other endpoints of the job once, also paused ones: a name, or a list of names."""
    clear: Flag = False
    """End the hints that rules and models have written; a person's stay."""
    notify: Flag = False
    """Tell those who have an alert for it, with the reason."""
    analyze: Flag = False
    """Let the planner look at the endpoint soon, where a worker has a model."""


class RuleEntry(Entry):
    """When an answer says something, do something."""

    when: Text
    """A condition in CEL over status, body, headers, durationMs, failures, health, previous,
    siblings and now, such as `body.queue > 100`."""
    then: ThenEntry
    """What to do when it holds."""
    life: Annotated[Length, Allowed("1ms to 3660d")] = Field(default=DEFAULT_LIFE, alias="for")
    """So long what the rule hints at lives. Default 60m."""
    cooldown: Annotated[Length | None, Allowed("1ms to 3660d")] = None
    """After it has acted the rule rests for so long."""
    reason: Text | None = None
    """Why, for those who ask."""


Rules = Annotated[list[RuleEntry], Allowed(f"at most {RULES_MOST}")]


class EndpointEntry(Entry):
    """An HTTP request with a schedule: exactly one of every, cron and at."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [name]} for name in SCHEDULES]}
    )

    name: Text
    """Names it within its job: an endpoint is created or updated by name."""
    description: Text | None = None
    """What it is for."""
    url: Text
    """Where the request goes, http or https. Addresses that are not public need --egress-allow."""
    method: MethodName = Method.GET
    """Default GET."""
    headers: Headers = Field(default_factory=dict)
    """Headers to send, by name. Authorization, Cookie and their like are always secret."""
    body: JsonValue = None
    """A text is sent as it is; any other value is sent as JSON."""
    every: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """An interval on a fixed grid, at least 1s."""
    cron: Text | None = None
    """A cron expression: five fields, or six with the second first."""
    at: Instant | None = None
    """A single instant."""
    timezone: Text | None = None
    """The zone of the cron expression, an IANA name. Default UTC."""
    gap: GapName | None = None
    """Cron slots that a clock set forward leaves out: run after the gap, or skip."""
    repeat: RepeatName | None = None
    """Cron slots that a clock set back shows twice: run the first, the second or both."""
    min: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """The shortest interval between slots, whatever a hint proposes."""
    max: Annotated[Length | None, Allowed("1s to 3660d")] = None
    """The longest interval between slots, whatever a hint or a backoff proposes."""
    jitter: Annotated[Length, Allowed("0s to 1d")] = NO_TIME
    """Recurring slots start up to this much later, each by its own stable share. Default 0s."""
    starts_at: Instant | None = None
    """No slot before it; also the origin of an interval's grid."""
    ends_at: Instant | None = None
    """No slot behind it."""
    max_runs: Annotated[Count | None, Allowed(f"1 to {COUNT_MOST}")] = None
    """The endpoint is finished after this many occurrences."""
    misfire: MisfireEntry = MisfireEntry()
    """What becomes of missed slots."""
    retry: RetryEntry = RetryEntry()
    """Whether and how a failed run is tried again."""
    delivery: DeliveryName = Delivery.AT_LEAST_ONCE
    """What becomes of a run lost with its worker: at_least_once (default) runs the slot again."""
    timeout: Annotated[Length, Allowed("100ms to 30m")] = _LIMITS.timeout
    """The deadline over the whole request, 100ms to 30m. Default 30s."""
    max_response_size: Annotated[Size, Allowed("1KiB to 10MiB")] = _LIMITS.response_size
    """How much of a response is kept, 1KiB to 10MiB. Default 100KiB."""
    redirects: Annotated[Count, Allowed(f"0 to {REDIRECTS_MOST}")] = _LIMITS.redirects
    """How many redirects are followed, 0 to 10. Default 0."""
    response_hints: Flag = False
    """Heed Cronicorn-Next-Run-In and Cronicorn-Pause-Until in its responses. Default false."""
    pause_when_gone: Flag = False
    """Pause it when its target answers 410 Gone, until someone resumes it. Default false."""
    signing: SigningName = Signing.WHEN_KEYED
    """How its requests are signed. Default when_keyed: by Standard Webhooks once there is a key."""
    success_when: Text | None = None
    """A condition that decides whether a run succeeded, instead of the status."""
    rules: Rules = Field(default_factory=list)
    """What to do when an answer says something. All that hold act, in their order."""
    shadow_rules: Flag = False
    """Only tell on each run what its rules would have done. Default false."""
    ai_mode: AiModeName = AiMode.OFF
    """What the AI planner may do: off (default), suggest (what it proposes waits), or auto."""
    ai_model: Text | None = None
    """The model that looks at it; left out, the installation's."""
    paused: Paused | None = None
    """true, or the instant until which; false resumes; left out, a pause stays as it stands."""


class JobEntry(Entry):
    """A named group of endpoints."""

    name: Text
    """Names it: a job is created or updated by name."""
    description: Text | None = None
    """What it is for."""
    paused: Flag | None = None
    """true keeps all its endpoints from running; false resumes; left out, it stays as it stands."""
    endpoints: list[EndpointEntry]
    """What it consists of."""


class JobsFile(Entry):
    """Jobs and their endpoints, as `--jobs FILE` applies them."""

    jobs: list[JobEntry]
    """All jobs. With --prune, what is not here is archived."""

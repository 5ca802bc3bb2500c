"""A random life of one endpoint: everything that may be done to it, in any order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, HintId, JobId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    HttpRequest,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.model.rules import (
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    RunIn,
)
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Blocked, Failed, FailureKind
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.testing.story import FAILURE, SUCCESS

from tools.histories.recorded_story import RecordedStory

START = datetime(2025, 3, 29, 23, tzinfo=UTC)
"""An hour of quiet before a night in which clocks are set, in Berlin."""
SECOND = timedelta(seconds=1)
EXPRESSIONS = (
    "* * * * *",
    "*/5 * * * *",
    "30 * * * *",
    "0 2 * * *",
    "*/10 * * * * *",
    "15,45 1-3 * * *",
)
RULES = (
    EndpointRule(when="a", then=(Every(30 * SECOND),), life=300 * SECOND),
    EndpointRule(when="b", then=(RunIn(20 * SECOND),), life=60 * SECOND, cooldown=90 * SECOND),
    EndpointRule(when="c", then=(Every(1000 * SECOND), ClearHints())),
    EndpointRule(when="d", then=(PauseFor(100 * SECOND),), cooldown=1000 * SECOND),
    EndpointRule(when="f", then=(Notify(), Analyze()), life=200 * SECOND),
    EndpointRule(when="e", then=(ClearHints(),)),
)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe")


@dataclass(frozen=True, slots=True)
class RandomLife:
    """
    Lives a life drawn from ``random``.

    ``calm`` leaves out hints, edits and guardrails: the schedule alone has a say. ``edited`` says
    whether a life that is not calm has its configuration edited, too; ``ruled`` whether it has
    rules that hold now and then.
    """

    random: Random
    calm: bool = False
    edited: bool = True
    ruled: bool = False

    def lived(self, steps: int) -> RecordedStory:
        """Return the story of that many steps."""
        told = RecordedStory.of(self._endpoint(), floor=self.random.choice([1, 1, 20]) * SECOND)
        for _ in range(steps):
            self._step(told)
        return told

    def _step(self, told: RecordedStory) -> None:
        deeds = (self._run, self._wait, self._come_late, self._hold, self._intervene)
        self.random.choices(deeds, (8, 2, 2, 3, 5))[0](told)

    def _wait(self, told: RecordedStory) -> None:
        told.after(self._length(5000))

    def _come_late(self, told: RecordedStory) -> None:
        told.after(self._length(9000))
        if told.claim() is not None:
            told.start()
            told.settle(ruling=self._ruling())

    def _run(self, told: RecordedStory) -> None:
        if told.claim_when_due() is not None:
            told.start()
            told.after(self.random.choice([0, 1, 1, 7, 130, 4000]) * SECOND)
            told.settle(self.random.choice([SUCCESS, SUCCESS, FAILURE]), self._ruling())

    def _hold(self, told: RecordedStory) -> None:
        """Do with a claim what can be done with it, and something else meanwhile."""
        if told.claim_when_due() is None:
            return
        how = self.random.choice(["blocked", "release", "lose-unstarted", "lose", "during", "ours"])
        if how in {"release", "lose-unstarted"}:
            told.after(10 * SECOND + self._length(300))
            self._intervene(told)
            told.release() if how == "release" else told.reap()
            return
        told.start()
        if how != "blocked":
            told.after(self._length(200))
            self._intervene(told)
            told.after(10 * SECOND)
        match how:
            case "lose":
                told.reap()
            case "blocked":
                told.settle(Blocked(message="not let out"))
            case "ours":
                told.settle(Failed(kind=FailureKind.SIGNING, message="no key"))
            case _:
                told.settle(self.random.choice([SUCCESS, FAILURE]), self._ruling())

    def _ruling(self) -> Ruling:
        if not self.ruled or self.random.randrange(3):
            return NO_RULING
        held = self.random.sample(RULES, k=self.random.randint(1, len(RULES)))
        return Ruling(held=tuple(each for each in RULES if each in held))

    def _intervene(self, told: RecordedStory) -> None:
        if told.story.situation.endpoint.archived_at is not None:
            told.restore()
            return
        deeds: Sequence[Callable[[RecordedStory], None]] = (
            self._trigger,
            self._pause,
            lambda each: each.resume(),
        )
        if not self.calm:
            deeds = (
                *deeds,
                self._offer_interval,
                self._offer_interval,
                self._offer_oneshot,
                lambda each: each.clear_hints(),
                lambda each: each.skip(),
                lambda each: each.reset_failures(),
                self._archive,
            )
        if self.edited and not self.calm:
            deeds = (
                *deeds,
                lambda each: each.edit(schedule=self._schedule()),
                lambda each: each.edit(bounds=self._bounds(each.now)),
                lambda each: each.edit(misfire=self._misfire()),
                self._tune,
            )
        self.random.choice(deeds)(told)

    def _trigger(self, told: RecordedStory) -> None:
        kind = self.random.choice(list(TriggerKind))
        if kind is TriggerKind.SIBLING or not told.story.situation.endpoint.paused_at(told.now):
            told.trigger(kind)

    def _pause(self, told: RecordedStory) -> None:
        told.pause(self.random.choice([OPEN_ENDED, told.now + self._length(3000)]))

    def _tune(self, told: RecordedStory) -> None:
        told.edit(guardrails=self._guardrails(), jitter=self.random.choice([0, 30]) * SECOND)

    def _archive(self, told: RecordedStory) -> None:
        told.archive()
        if told.story.situation.lease is None:
            told.after(self._length(3000))
            told.restore()

    def _offer_interval(self, told: RecordedStory) -> None:
        told.offer(
            IntervalHint(
                id=self._hint_id(),
                author=self.random.choice(list(Author)),
                every=self._length(4000),
                created_at=told.now,
                expires_at=told.now + self._length(6000),
            )
        )

    def _offer_oneshot(self, told: RecordedStory) -> None:
        at = told.now + self.random.randrange(3000) * SECOND
        told.offer(
            OneShotHint(
                id=self._hint_id(),
                author=self.random.choice(list(Author)),
                at=at,
                created_at=told.now,
                expires_at=at + self._length(3000),
            )
        )

    def _hint_id(self) -> HintId:
        return HintId(UUID(int=self.random.getrandbits(100)))

    def _length(self, most: int) -> timedelta:
        return self.random.randint(1, most) * SECOND

    def _endpoint(self) -> Endpoint:
        random = self.random
        endpoint = Endpoint(
            id=EndpointId(UUID(int=random.randrange(10))),
            tenant=DEFAULT_TENANT,
            job_id=JobId(UUID(int=1)),
            name="any",
            request=HttpRequest(url="http://example.com/"),
            schedule=self._schedule(),
            anchor=START,
            created_at=START,
            updated_at=START,
            jitter=random.choice([0, 0, 5, 300]) * SECOND,
            misfire=self._misfire(),
            retry=Retry(attempts=random.randint(1, 3)),
            delivery=random.choice(list(Delivery)),
        )
        if self.ruled:
            endpoint = replace(endpoint, rules=RuleSet(rules=RULES))
        if self.calm:
            return endpoint
        bounds = random.choice([self._bounds(START), Bounds(), Bounds()])
        most = random.choice([None, None, None, random.randint(1, 6)])
        return replace(
            endpoint, guardrails=self._guardrails(), bounds=replace(bounds, max_runs=most)
        )

    def _schedule(self) -> Schedule:
        kind = self.random.choice(["interval", "interval", "cron", "cron", "once"])
        if kind == "interval":
            return IntervalSchedule(every=self._length(7200))
        if kind == "once":
            return OnceSchedule(at=START + self._length(7200))
        expression = CronExpression.parse(self.random.choice(EXPRESSIONS))
        return CronSchedule(expression=expression, timezone=self.random.choice(ZONES))

    def _guardrails(self) -> Guardrails:
        shortest = self.random.choice([None, self._length(600)])
        longest = self.random.choice([None, self._length(3600)])
        if shortest and longest and shortest > longest:
            shortest, longest = longest, shortest
        return Guardrails(shortest=shortest, longest=longest)

    def _bounds(self, now: datetime) -> Bounds:
        starts_at = self.random.choice([None, now + self._length(7200)])
        ends_at = self.random.choice([None, (starts_at or now) + self._length(20000)])
        return Bounds(starts_at=starts_at, ends_at=ends_at)

    def _misfire(self) -> Misfire:
        return Misfire(
            policy=self.random.choice(list(MisfirePolicy)),
            grace=self.random.choice([0, 5, 60]) * SECOND,
            catch_up_limit=self.random.randint(1, 4),
        )

"""Rules: what an endpoint's owner wants to happen when an answer says something."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.hint import DEFAULT_LIFE, LONGEST_LIFE
from cronicorn_domain.model.job import check_name, check_text
from cronicorn_domain.wording import length_in_words

RULES_MOST: Final = 20
REASON_LENGTH: Final = 255
SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """Run at another interval, for as long as the rule's hint lives."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class RunIn:
    """Run once more, so long after the end of this run."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class PauseFor:
    """Do not run for so long."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class TriggerSibling:
    """Run another endpoint of the job once, also one that is paused."""

    name: str


@dataclass(frozen=True, slots=True)
class ClearHints:
    """End the hints that rules and models have written; a person's stay."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell those who have an alert for it."""


@dataclass(frozen=True, slots=True)
class Analyze:
    """Let the planner look at the endpoint soon, if there is one."""


Action = Every | RunIn | PauseFor | TriggerSibling | ClearHints | Notify | Analyze


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRule:
    """
    When an answer says something, do something.

    Attributes:
        when: A condition, as a `RuleEvaluator` understands it.
        then: At least one action; of each kind one, but for triggers.
        life: So long what the rule hints at lives.
        cooldown: After it has acted the rule rests for so long; None: it does not, but tells
            people and the planner once in ``life`` alone.
        reason: Why, for those who ask.
    """

    when: str
    then: tuple[Action, ...]
    life: timedelta = DEFAULT_LIFE
    cooldown: timedelta | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that does nothing, says two things at once, or has an impossible length."""
        check_text(self.when, field="when")
        check_text(self.reason or "", field="reason")
        if not self.then:
            raise InvalidInput(
                "the rule does nothing", field="then", remedy="say what it is to do, such as every"
            )
        kinds = Counter(type(each) for each in self.then if not isinstance(each, TriggerSibling))
        if any(count > 1 for count in kinds.values()):
            raise InvalidInput(
                "the rule says one thing twice", field="then", remedy="keep one of each kind"
            )
        for action in self.then:
            _check(action)
        _check_length(self.life, MILLISECOND, field="for")
        if self.cooldown is not None:
            _check_length(self.cooldown, MILLISECOND, field="cooldown")
        if self.reason is not None and len(self.reason) > REASON_LENGTH:
            raise InvalidInput(
                f"the reason has {len(self.reason)} characters",
                field="reason",
                remedy=f"keep it to {REASON_LENGTH} characters",
            )

    @property
    def key(self) -> str:
        """Name what it says and does, in 16 characters; the same for the same, on any machine."""
        said = f"{self.when}\n{self.then!r}"
        return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]

    @property
    def told_key(self) -> str:
        """Name what it tells people and the planner, which rests by itself."""
        return f"{self.key}!"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """
    The rules of an endpoint, in order.

    All that hold act. Where two say different things of one kind (an interval, a run, a pause), the
    first in the order is heard. With ``shadow`` it is only told on the run what they would have
    done.
    """

    rules: tuple[EndpointRule, ...] = ()
    shadow: bool = False

    def __post_init__(self) -> None:
        """Refuse more rules than can be judged in time, and the same rule twice."""
        if len(self.rules) > RULES_MOST:
            raise InvalidInput(
                f"{len(self.rules)} rules are too many",
                field="rules",
                remedy=f"keep to {RULES_MOST}",
            )
        if len({each.key for each in self.rules}) < len(self.rules):
            raise InvalidInput("a rule is there twice", field="rules", remedy="keep one of them")


NO_RULES: Final = RuleSet()


def _check(action: Action) -> None:
    match action:
        case Every(interval):
            _check_length(interval, SECOND, field="then.every")
        case RunIn(delay):
            _check_length(delay, SECOND, field="then.run_in")
        case PauseFor(length):
            _check_length(length, SECOND, field="then.pause_for")
        case TriggerSibling(name):
            check_name(name)
        case ClearHints() | Notify() | Analyze():
            pass


def _check_length(length: timedelta, least: timedelta, *, field: str) -> None:
    if not least <= length <= LONGEST_LIFE:
        raise InvalidInput(
            f"{length_in_words(length)} is not possible",
            field=field,
            remedy=f"give a length from {length_in_words(least)} to 3660 d",
        )

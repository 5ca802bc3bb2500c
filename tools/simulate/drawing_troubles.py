"""Draws what breaks, when and for how long."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from cronicorn_domain.instants import NO_TIME

from tools.simulate.drawing import (
    MINUTE,
    SECOND,
    a_moment,
    chance_of,
    one_of,
    seconds,
    sometimes,
    up_to,
    weighted,
)
from tools.simulate.participants import Newcomer, Worker
from tools.simulate.troubles import (
    ALL_CALLS,
    AnswersLate,
    AnswersLost,
    Call,
    CallsDoubled,
    CallsLate,
    ClockStep,
    Crash,
    Leave,
    Misbehaviour,
    Stop,
    TargetTrouble,
    Trouble,
    Unreachable,
    WakeupsLost,
)

HOT = (Call.CLAIM, Call.START, Call.SETTLE, Call.RENEW, Call.RELEASE, Call.REAP, Call.NEXT_DUE)
OF_LEASES = (Call.RENEW, Call.REAP)
BEHIND = seconds(0.005, 0.5, 3, 12)
AHEAD = seconds(-0.005, -0.05, -0.25)

Drawn = tuple[str, timedelta]
"""The name of a trouble, and when it begins."""


def some_workers(seed: int, count: int, *, plain: bool, ahead: bool) -> tuple[Worker, ...]:
    """Draw workers, with wrong clocks and lines of different length unless they are plain."""
    if plain:
        return tuple(Worker(name=f"w{n}") for n in range(1, count + 1))
    workers = tuple(_worker(seed, f"w{n}") for n in range(1, count + 1))
    return tuple(_ahead(seed, each) for each in workers) if ahead else workers


class Troubles:
    """
    Draws troubles of workers and targets; ``reach`` is how long one may last.

    Clocks run ``ahead``, too. ``of_leases``: nearly all of them keep workers from their leases.
    """

    def __init__(
        self,
        seed: int,
        workers: Sequence[Worker],
        newcomers: Sequence[Newcomer],
        *,
        lasts: timedelta,
        reach: timedelta,
        ahead: bool = False,
        of_leases: bool = False,
    ) -> None:
        self._seed = seed
        self._workers = workers
        self._newcomers = newcomers
        self._lasts = lasts
        self._reach = reach
        self._steps = (*BEHIND, *AHEAD) if ahead else BEHIND
        self._kinds = _OF_LEASES if of_leases else _KINDS
        self._hot: Sequence[Call] = OF_LEASES if of_leases else HOT

    def some(self, count: int) -> tuple[Trouble, ...]:
        """Draw so many."""
        drawn = [self._trouble(f"t{n}") for n in range(1, count + 1)]
        return tuple(sorted(drawn, key=lambda trouble: trouble.after))

    def _trouble(self, name: str) -> Trouble:
        chance = chance_of(self._seed, name)
        draw = weighted(chance, self._kinds)
        return draw(self, chance, (name, a_moment(chance, self._lasts)))

    def unreachable(self, chance: Random, drawn: Drawn) -> Trouble:
        """The store is away for one worker or all, for some calls or all."""
        everybody = sometimes(chance, 0.4)
        return Unreachable(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=None if everybody else self._somebody(chance),
            calls=ALL_CALLS if everybody else self._some_calls(chance),
            hangs=chance.choice(seconds(0, 0.05, 1, 15)),
        )

    def lost(self, chance: Random, drawn: Drawn) -> Trouble:
        """Answers are lost."""
        return AnswersLost(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=self._somebody(chance),
            calls=self._some_calls(chance),
            hangs=chance.choice(seconds(0, 0.05, 1, 15)),
        )

    def answers_late(self, chance: Random, drawn: Drawn) -> Trouble:
        """Answers come late, perhaps past the lease."""
        return AnswersLate(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=self._somebody(chance),
            calls=self._some_calls(chance),
            by=chance.choice(seconds(0.3, 2, 9, 14)),
        )

    def calls_late(self, chance: Random, drawn: Drawn) -> Trouble:
        """Calls come late, perhaps past the lease."""
        return CallsLate(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=self._somebody(chance),
            calls=self._some_calls(chance),
            by=chance.choice(seconds(0.01, 0.3, 2, 9, 14)),
        )

    def doubled(self, chance: Random, drawn: Drawn) -> Trouble:
        """Calls are carried out twice."""
        return CallsDoubled(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=self._somebody(chance),
            calls=self._some_calls(chance),
            by=chance.choice(seconds(0, 0.01, 0.5, 5, 12)),
            second=sometimes(chance, 0.5),
        )

    def deaf(self, chance: Random, drawn: Drawn) -> Trouble:
        """Wake-ups are lost."""
        return WakeupsLost(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance),
            worker=self._somebody(chance),
        )

    def crash(self, chance: Random, drawn: Drawn) -> Trouble:
        """A worker ends at any await."""
        return Crash(
            name=drawn[0],
            after=drawn[1],
            worker=self._somebody(chance),
            steps=_steps(chance),
            back_after=chance.choice(seconds(0, 1, 5, 20)),
        )

    def stop(self, chance: Random, drawn: Drawn) -> Trouble:
        """A worker stands still, perhaps past its leases."""
        return Stop(
            name=drawn[0],
            after=drawn[1],
            worker=self._somebody(chance),
            steps=_steps(chance),
            lasts=chance.choice(seconds(0.5, 4, 9.5, 11, 13, 30)),
            clock_stands=sometimes(chance, 0.3),
        )

    def leave(self, chance: Random, drawn: Drawn) -> Trouble:
        """A worker is asked to stop."""
        return Leave(
            name=drawn[0],
            after=drawn[1],
            worker=self._somebody(chance),
            hurry=sometimes(chance, 0.4),
            back_after=chance.choice(seconds(0, 1, 5, 20)),
        )

    def clock(self, chance: Random, drawn: Drawn) -> Trouble:
        """A worker's clock falls behind, or runs ahead."""
        return ClockStep(
            name=drawn[0],
            after=drawn[1],
            worker=self._somebody(chance),
            by=chance.choice(self._steps),
        )

    def target(self, chance: Random, drawn: Drawn) -> Trouble:
        """Targets misbehave."""
        everybody = sometimes(chance, 0.3)
        return TargetTrouble(
            name=drawn[0],
            after=drawn[1],
            lasts=self._a_while(chance) * 2,
            endpoint=None if everybody else chance.choice(self._newcomers).name,
            how=one_of(chance, *Misbehaviour),
        )

    def _some_calls(self, chance: Random) -> frozenset[Call]:
        if sometimes(chance, 0.2):
            return ALL_CALLS
        return frozenset(chance.sample(self._hot, k=one_of(chance, 1, 1, 2)))

    def _somebody(self, chance: Random) -> str:
        return chance.choice(self._workers).name

    def _a_while(self, chance: Random) -> timedelta:
        return self._reach * one_of(chance, 0.02, 0.1, 0.3, 1)


_KINDS: tuple[tuple[Callable[[Troubles, Random, Drawn], Trouble], int], ...] = (
    (Troubles.unreachable, 3),
    (Troubles.lost, 4),
    (Troubles.answers_late, 2),
    (Troubles.calls_late, 3),
    (Troubles.doubled, 3),
    (Troubles.deaf, 1),
    (Troubles.crash, 5),
    (Troubles.stop, 4),
    (Troubles.leave, 3),
    (Troubles.clock, 1),
    (Troubles.target, 4),
)


_OF_LEASES: tuple[tuple[Callable[[Troubles, Random, Drawn], Trouble], int], ...] = (
    (Troubles.unreachable, 3),
    (Troubles.lost, 3),
    (Troubles.answers_late, 4),
    (Troubles.calls_late, 4),
    (Troubles.doubled, 2),
    (Troubles.crash, 4),
    (Troubles.stop, 8),
    (Troubles.leave, 2),
    (Troubles.clock, 2),
)


def _ahead(seed: int, worker: Worker) -> Worker:
    chance = chance_of(seed, f"clock of {worker.name}")
    return replace(worker, ahead=chance.choice(seconds(0, 0, 0.001, 0.02, 0.1, 0.25)))


def _worker(seed: int, name: str) -> Worker:
    chance = chance_of(seed, name)
    return Worker(
        name=name,
        after=a_moment(chance, 10 * SECOND) if sometimes(chance, 0.3) else NO_TIME,
        clock_error=one_of(chance, NO_TIME, 3 * SECOND, -3 * SECOND, 7 * MINUTE, -7 * MINUTE),
        latency=chance.choice(seconds(0, 0, 0.002, 0.02, 0.2)),
    )


def _steps(chance: Random) -> int:
    return up_to(chance, (0, one_of(chance, 3, 30, 300)))

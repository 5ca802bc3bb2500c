"""Draws what people, rules and models do, at any moment."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.instants import NO_TIME, OPEN_ENDED
from cronicorn_domain.model.endpoint import Bounds, Endpoint, Pause
from cronicorn_domain.model.hint import (
    TRIGGER_LIFE,
    Author,
    Hint,
    IntervalHint,
    OneShotHint,
    Trigger,
    TriggerKind,
)
from cronicorn_domain.model.job import Job

from tools.simulate.deeds import (
    Act,
    ArchiveEndpoint,
    ArchiveJob,
    ClearHints,
    Edit,
    Fire,
    OfferHint,
    PauseEndpoint,
    PauseJob,
    ResetFailures,
    RestoreEndpoint,
    RestoreJob,
    ResumeEndpoint,
    ResumeJob,
    SkipSlot,
)
from tools.simulate.drawing import (
    MILLISECOND,
    a_moment,
    chance_of,
    one_of,
    seconds,
    sometimes,
    weighted,
)
from tools.simulate.drawing_endpoints import (
    Times,
    some_bounds,
    some_delivery,
    some_guardrails,
    some_jitter,
    some_misfire,
    some_retry,
)
from tools.simulate.participants import Newcomer, identity
from tools.simulate.scenario import Deed

PACES = (NO_TIME, NO_TIME, NO_TIME, NO_TIME, *seconds(0.003, 0.2, 2))
"""How long a transaction takes between its writes and its commit."""


class Deeds:
    """Draws deeds about the endpoints and jobs of a scenario."""

    def __init__(
        self, seed: int, newcomers: Sequence[Newcomer], jobs: Sequence[Job], times: Times
    ) -> None:
        self._seed = seed
        self._newcomers = newcomers
        self._jobs = jobs
        self._times = times

    def some(self, count: int) -> tuple[Deed, ...]:
        """Draw so many, some of them with what undoes them later."""
        drawn = [deed for n in range(1, count + 1) for deed in self._deeds(n)]
        return tuple(sorted(drawn, key=lambda deed: deed.after))

    def _deeds(self, n: int) -> Sequence[Deed]:
        chance = chance_of(self._seed, f"d{n}")
        after = a_moment(chance, self._times.lasts)
        newcomer = chance.choice(self._newcomers)
        draw = weighted(chance, _KINDS)
        at = self._times.begins_at + after
        acts = draw(self, chance, newcomer.endpoint, at, f"d{n}")
        deeds = []
        for part, act in zip(("", "b"), acts, strict=False):
            pace = chance.choice(PACES)
            deeds.append(Deed(name=f"d{n}{part}", after=after, act=act, pace=pace))
            after += a_moment(chance, min(self._times.lasts / 5, 90 * self._times.unit))
        return deeds

    def edit(self, chance: Random, endpoint: Endpoint, _: datetime, __: str) -> Sequence[Act]:
        """Change one thing or two."""
        kinds = chance.sample(_EDITS, k=one_of(chance, 1, 1, 1, 2))
        edit = Edit(endpoint_id=endpoint.id)
        for change in kinds:
            edit = change(edit, chance, self._times)
        return [edit]

    def hint(self, chance: Random, endpoint: Endpoint, at: datetime, name: str) -> Sequence[Act]:
        """Write a hint, and clear it later in some cases."""
        hint = self._a_hint(chance, at, HintId(identity(self._seed, name)))
        offer = OfferHint(endpoint_id=endpoint.id, hint=hint)
        if sometimes(chance, 0.25):
            newest = sometimes(chance, 0.5)
            return [offer, ClearHints(endpoint_id=endpoint.id, newest_only=newest)]
        return [offer]

    def fire(self, chance: Random, endpoint: Endpoint, at: datetime, name: str) -> Sequence[Act]:
        """Ask for a run, by hand or as a sibling."""
        trigger = Trigger(
            id=TriggerId(identity(self._seed, name)),
            kind=one_of(chance, *TriggerKind),
            at=at,
            expires_at=at + TRIGGER_LIFE,
        )
        return [Fire(endpoint_id=endpoint.id, trigger=trigger)]

    def pause(self, chance: Random, endpoint: Endpoint, at: datetime, _: str) -> Sequence[Act]:
        """Pause with an end, open-ended, or until now; resume later in most cases."""
        length = self._times.unit * one_of(chance, 0, 1, 7, 30, 120)
        until = OPEN_ENDED if sometimes(chance, 0.4) else at + length
        pause = PauseEndpoint(endpoint_id=endpoint.id, pause=Pause(until=until))
        resume = ResumeEndpoint(endpoint_id=endpoint.id)
        return [pause, resume] if sometimes(chance, 0.8) else [pause]

    def archive(self, chance: Random, endpoint: Endpoint, _: datetime, __: str) -> Sequence[Act]:
        """Archive, and restore in most cases."""
        archive = ArchiveEndpoint(endpoint_id=endpoint.id)
        restore = RestoreEndpoint(endpoint_id=endpoint.id)
        return [archive, restore] if sometimes(chance, 0.8) else [archive]

    def reset(self, _: Random, endpoint: Endpoint, __: datetime, ___: str) -> Sequence[Act]:
        """Forget failures."""
        return [ResetFailures(endpoint_id=endpoint.id)]

    def skip(self, _: Random, endpoint: Endpoint, __: datetime, ___: str) -> Sequence[Act]:
        """Skip a slot."""
        return [SkipSlot(endpoint_id=endpoint.id)]

    def pause_job(self, chance: Random, _: Endpoint, __: datetime, ___: str) -> Sequence[Act]:
        """Pause a job and resume it."""
        job_id = chance.choice(self._jobs).id
        return [PauseJob(job_id=job_id), ResumeJob(job_id=job_id)]

    def archive_job(self, chance: Random, _: Endpoint, __: datetime, ___: str) -> Sequence[Act]:
        """Archive a job and restore it."""
        job_id = chance.choice(self._jobs).id
        return [ArchiveJob(job_id=job_id), RestoreJob(job_id=job_id)]

    def _a_hint(self, chance: Random, at: datetime, hint_id: HintId) -> Hint:
        unit, author = self._times.unit, one_of(chance, *Author)
        life = unit * one_of(chance, 1, 10, 60, 200, 3600)
        if sometimes(chance, 0.4):
            ahead = unit * one_of(chance, 0, 1, 5, 30, 60)
            odd = MILLISECOND * one_of(chance, 0, 0, 1, 500)
            return OneShotHint(
                id=hint_id,
                author=author,
                at=at + ahead + odd,
                created_at=at,
                expires_at=at + ahead + odd + life,
            )
        return IntervalHint(
            id=hint_id,
            author=author,
            every=unit * one_of(chance, 1, 2, 5, 13, 30, 60, 150),
            created_at=at,
            expires_at=at + life,
        )


_Draw = Callable[[Deeds, Random, Endpoint, datetime, str], Sequence[Act]]

_KINDS: tuple[tuple[_Draw, int], ...] = (
    (Deeds.edit, 6),
    (Deeds.hint, 8),
    (Deeds.fire, 5),
    (Deeds.pause, 4),
    (Deeds.archive, 1),
    (Deeds.reset, 1),
    (Deeds.skip, 2),
    (Deeds.pause_job, 1),
    (Deeds.archive_job, 1),
)

_EDITS: tuple[Callable[[Edit, Random, Times], Edit], ...] = (
    lambda edit, chance, times: replace(edit, schedule=times.schedule(chance)),
    lambda edit, chance, times: replace(edit, guardrails=some_guardrails(chance, times.unit)),
    lambda edit, chance, times: replace(edit, bounds=some_bounds(chance, times)),
    lambda edit, _, __: replace(edit, bounds=Bounds()),
    lambda edit, chance, times: replace(edit, jitter=some_jitter(chance, times.unit)),
    lambda edit, chance, times: replace(edit, misfire=some_misfire(chance, times.unit)),
    lambda edit, chance, _: replace(edit, retry=some_retry(chance)),
    lambda edit, chance, _: replace(edit, delivery=some_delivery(chance)),
)

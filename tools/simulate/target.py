"""The targets' side of a request, and the dispatcher that reaches them without a network."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from random import Random

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.ports.dispatcher import Dispatch

from tools.simulate.manners import RETRY_AFTER, answer, answered
from tools.simulate.participants import Newcomer, Target
from tools.simulate.recorder import Recorder
from tools.simulate.troubles import HostDown, Misbehaviour, Outage, TargetTrouble

ANSWERED = Succeeded(response=Response(status_code=200))
REFUSED = Failed(
    kind=FailureKind.HTTP_STATUS,
    message="the target answered 500",
    response=Response(status_code=500),
)
UNREACHED = Failed(kind=FailureKind.CONNECTION, message="the connection was refused")
BLOCKED = Blocked(message="the address is not let out")
UNSIGNED = Failed(kind=FailureKind.SIGNING, message="there is no key")
HANGS_FOR = timedelta(hours=2)
CRAWLS_FOR = timedelta(seconds=20)


class BrokenDispatcher(RuntimeError):
    """What a dispatcher raises that does not keep its promise."""


class Targets:
    """
    A ``Dispatcher`` for one worker; what it sends is noted with the shared time.

    A request that the egress rules hold back is not sent, and not noted.
    """

    def __init__(
        self,
        newcomers: Sequence[Newcomer],
        troubles: Sequence[TargetTrouble | HostDown],
        recorder: Recorder,
    ) -> None:
        self._targets: Mapping[EndpointId, tuple[str, Target]] = {
            each.endpoint.id: (each.name, each.target) for each in newcomers
        }
        self._troubles = [each for each in troubles if isinstance(each, TargetTrouble)]
        self._outages = [each for each in troubles if isinstance(each, HostDown)]
        self._recorder = recorder

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Send one request and return what came of it."""
        name, target = self._targets[dispatch.endpoint_id]
        how = self._misbehaviour(name)
        match how:
            case Misbehaviour.BLOCKED:
                return BLOCKED
            case Misbehaviour.OUR_FAULT:
                return UNSIGNED
            case _:
                return await self._send(dispatch, target, how)

    async def _send(self, dispatch: Dispatch, target: Target, how: Misbehaviour | None) -> Outcome:
        number = self._recorder.sent(dispatch)
        if self._recorder.tracing:
            slot = iso_milliseconds(dispatch.slot)[11:-1]
            sentence = f"the target receives slot {slot}, attempt {dispatch.attempt}"
            self._recorder.tell(sentence, dispatch.endpoint_id)
        try:
            return await self._answer(dispatch, target, how)
        finally:
            self._recorder.answered(number)

    async def _answer(
        self, dispatch: Dispatch, target: Target, how: Misbehaviour | None
    ) -> Outcome:
        timeout = dispatch.limits.deadline
        chance = Random(f"{target.seed}|{dispatch.slot}|{dispatch.attempt}")  # noqa: S311
        outage = self._outage(dispatch.request.host)
        length = HANGS_FOR if outage is Outage.SILENT else _length(target, how, chance)
        await asyncio.sleep(min(length, timeout).total_seconds())
        if how is Misbehaviour.RAISING:
            raise BrokenDispatcher("a dispatcher that breaks its promise")
        if length >= timeout:
            return Failed(kind=FailureKind.TIMEOUT, message=f"no answer within {timeout}")
        if outage is not None:
            return _down(outage, chance)
        fails = how is Misbehaviour.FAILING or chance.random() < target.failing
        manners = target.manners
        if manners is not None and chance.random() < manners.share:
            return answer(chance.choice(manners.ways), chance, self._recorder.clock.now())
        return REFUSED if fails else ANSWERED

    def _outage(self, host: str) -> Outage | None:
        return next(
            (each.how for each in self._outages if each.host == host and _holds(each)), None
        )

    def _misbehaviour(self, name: str) -> Misbehaviour | None:
        for each in self._troubles:
            if each.endpoint in {None, name} and _holds(each):
                return each.how
        return None


def _holds(trouble: TargetTrouble | HostDown) -> bool:
    begun = trouble.after.total_seconds()
    ends = begun + trouble.lasts.total_seconds()
    return begun <= asyncio.get_running_loop().time() < ends


def _down(outage: Outage, chance: Random) -> Outcome:
    match outage:
        case Outage.REFUSING | Outage.SILENT:
            return UNREACHED
        case Outage.FAILING:
            return REFUSED
        case Outage.BUSY:
            return answered(HTTPStatus.SERVICE_UNAVAILABLE, (RETRY_AFTER, chance.choice("0257")))


def _length(target: Target, how: Misbehaviour | None, chance: Random) -> timedelta:
    length = chance.choice(target.lengths)
    match how:
        case Misbehaviour.HANGING:
            return HANGS_FOR
        case Misbehaviour.CRAWLING:
            return CRAWLS_FOR
        case _:
            return length

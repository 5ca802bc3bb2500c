"""The targets' side of a request, and the dispatcher that reaches them without a network."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.ports.dispatcher import Dispatch

from tools.simulate.participants import Newcomer, Target
from tools.simulate.recorder import Recorder
from tools.simulate.troubles import Misbehaviour, TargetTrouble

ANSWERED = Succeeded(response=Response(status_code=200))
REFUSED = Failed(
    kind=FailureKind.HTTP_STATUS,
    message="the target answered 500",
    response=Response(status_code=500),
)
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
        troubles: Sequence[TargetTrouble],
        recorder: Recorder,
    ) -> None:
        self._targets: Mapping[EndpointId, tuple[str, Target]] = {
            each.endpoint.id: (each.name, each.target) for each in newcomers
        }
        self._troubles = troubles
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
        timeout = dispatch.limits.timeout
        chance = Random(f"{target.seed}|{dispatch.slot}|{dispatch.attempt}")  # noqa: S311
        length = _length(target, how, chance)
        await asyncio.sleep(min(length, timeout).total_seconds())
        if how is Misbehaviour.RAISING:
            raise BrokenDispatcher("a dispatcher that breaks its promise")
        if length >= timeout:
            return Failed(kind=FailureKind.TIMEOUT, message=f"no answer within {timeout}")
        fails = how is Misbehaviour.FAILING or chance.random() < target.failing
        return REFUSED if fails else ANSWERED

    def _misbehaviour(self, name: str) -> Misbehaviour | None:
        now = asyncio.get_running_loop().time()
        for each in self._troubles:
            begun = each.after.total_seconds()
            ends = begun + each.lasts.total_seconds()
            if each.endpoint in {None, name} and begun <= now < ends:
                return each.how
        return None


def _length(target: Target, how: Misbehaviour | None, chance: Random) -> timedelta:
    length = chance.choice(target.lengths)
    match how:
        case Misbehaviour.HANGING:
            return HANGS_FOR
        case Misbehaviour.CRAWLING:
            return CRAWLS_FOR
        case _:
            return length

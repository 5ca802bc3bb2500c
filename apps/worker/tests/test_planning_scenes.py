"""Sessions of the real planner through real clients over real HTTP, with vendors that misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from cronicorn_adapter_ai.model_client import Vendor, open_model_client
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.session import Ending, Session
from cronicorn_domain.testing.builders import EPOCH, MINUTE, a_job, an_endpoint, every
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.sessions.bounds import Bounds
from cronicorn_planner.sessions.observing import UNHEARD
from cronicorn_planner.sessions.planner import Planner, PlannerSettings

USAGE = (700, 30)
BOUNDS = Bounds()
HASTY = Bounds(ask=timedelta(milliseconds=300))
BASES = {Vendor.OPENAI: "/v1", Vendor.ANTHROPIC: ""}
SUBMIT = ("submit_analysis", {"reasoning": "done"})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One answer: calls with arguments (a text is sent as it is), or what goes wrong instead."""

    calls: tuple[tuple[str, dict[str, Any] | str], ...] = (SUBMIT,)
    text: str = ""
    cut: bool = False
    usage: tuple[int, int] | None = USAGE
    status: int = 200
    retry_after: str | None = None
    hangs: bool = False
    breaks_off: bool = False

    def written(self, kind: Vendor) -> dict[str, Any]:
        """Write it as a vendor does."""
        return _openai(self) if kind is Vendor.OPENAI else _anthropic(self)


def _openai(line: Line) -> dict[str, Any]:
    tools = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for number, (name, given) in enumerate(line.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": line.text or None}
    if tools:
        message["tool_calls"] = tools
    usage = {}
    if line.usage is not None:
        read, wrote = line.usage
        usage = {"usage": {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": 1}}
    finish = "length" if line.cut else "tool_calls" if tools else "stop"
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "model-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        **usage,
    }


def _anthropic(line: Line) -> dict[str, Any]:
    texts = [{"type": "text", "text": line.text}] if line.text else []
    tools = [
        {"type": "tool_use", "id": f"call_{number}", "name": name, "input": given}
        for number, (name, given) in enumerate(line.calls)
    ]
    usage = {}
    if line.usage is not None:
        usage = {"usage": {"input_tokens": line.usage[0], "output_tokens": line.usage[1]}}
    stop = "max_tokens" if line.cut else "tool_use" if tools else "end_turn"
    return {
        "id": "message-1",
        "type": "message",
        "role": "assistant",
        "model": "model-1",
        "content": [*texts, *tools],
        "stop_reason": stop,
        "stop_sequence": None,
        **usage,
    }


class HurriedClock(ManualClock):
    """Whoever sleeps has slept."""

    async def sleep_until(self, instant: datetime) -> None:
        """Move on, and return."""
        self.advance_to(max(instant, self.now()))


@dataclass
class Scene:
    """A vendor with its lines, and an endpoint that a planner looks at."""

    kind: Vendor
    lines: list[Line] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    clock: HurriedClock = field(default_factory=lambda: HurriedClock(EPOCH))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Say the next line; behind the last one the session is ended."""
        self.asked.append(await request.text())
        line = self.lines.pop(0) if self.lines else Line()
        if line.hangs:
            await asyncio.Event().wait()
        if line.status != web.HTTPOk.status_code:
            headers = {} if line.retry_after is None else {"Retry-After": line.retry_after}
            body = {"type": "error", "error": {"message": "no", "type": "error"}}
            return web.json_response(body, status=line.status, headers=headers)
        written = json.dumps(line.written(self.kind)).encode()
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Content-Length": str(len(written))}
        )
        await response.prepare(request)
        await response.write(written[: len(written) // 2] if line.breaks_off else written)
        if line.breaks_off:
            assert request.transport is not None
            request.transport.close()
        return response

    async def played(self, *lines: Line, bounds: Bounds = BOUNDS) -> "Played":
        """Let the planner look once, while the vendor says these lines."""
        self.lines = list(lines)
        units, guard = MemoryUnitsOfWork(MemoryStore()), MemoryQuotaGuard()
        job = a_job()
        endpoint = an_endpoint(job, schedule=every(5 * MINUTE), planning=Planning(mode=AiMode.AUTO))
        async with units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.commit()
        base_url = f"{self.url}{BASES[self.kind]}"
        async with open_model_client(self.kind, api_key="key", base_url=base_url) as client:
            planner = Planner(
                units,
                RationedModel(client, guard, clock=self.clock),
                clock=self.clock,
                worker=WorkerId("a"),
                settings=PlannerSettings(model="model-1", bounds=bounds),
                observer=UNHEARD,
            )
            await planner.look_once()
        async with units.begin() as unit:
            (session,) = await unit.sessions.list_sessions(endpoint.tenant, endpoint.id)
            situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)
        used = await guard.standing(endpoint.tenant, now=self.clock.now())
        assert situation.state.plan is not None
        return Played(
            session=session,
            used=used.used,
            hints=len(situation.hints),
            source=situation.state.plan.decision.source,
            waited=self.clock.now() - EPOCH,
        )


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a scene."""

    session: Session
    used: int
    hints: int
    source: Source
    waited: timedelta

    @property
    def untouched(self) -> bool:
        """Whether the schedule is as it was, and what was spent is charged."""
        return (
            self.hints == 0
            and self.source is Source.BASELINE_INTERVAL
            and self.session.before == self.session.after
            and self.used == self.session.tokens
        )

    def told_of(self, code: str) -> bool:
        """Whether the session has such a caveat."""
        return any(each.code == code for each in self.session.caveats)


@pytest.fixture(params=list(Vendor))
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """Serve as each vendor in turn, until the test is over."""
    scene = Scene(kind=request.param)
    application = web.Application()
    application.router.add_post("/v1/chat/completions", scene.serve)
    application.router.add_post("/v1/messages", scene.serve)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scene.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield scene
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Line(status=500), id="500"),
        pytest.param(Line(breaks_off=True), id="cut stream"),
        pytest.param(Line(status=429, retry_after="7"), id="429"),
    ],
)
async def test_who_fails_three_times_has_failed(scene: Scene, line: Line) -> None:
    """Trap T34: each try is charged, the session says why, and the schedule stands."""
    played = await scene.played(line, line, line)

    assert played.session.ending is Ending.FAILED
    assert played.session.error
    assert len(scene.asked) == 3
    assert played.untouched
    assert played.session.next_analysis_at > played.session.ended_at
    charged = not line.status >= 400
    assert (played.used > 0) is charged


async def test_who_hangs_is_not_waited_for(scene: Scene) -> None:
    """Traps T34 and T35: the time of each ask is over, and it is charged as reserved."""
    hangs = Line(hangs=True)
    played = await scene.played(hangs, hangs, hangs, bounds=HASTY)

    assert played.session.ending is Ending.FAILED
    assert played.session.error == "the model did not answer in time"
    assert played.untouched
    assert played.used > 0


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        pytest.param(Line(status=500), timedelta(seconds=1), id="500"),
        pytest.param(Line(breaks_off=True), timedelta(seconds=1), id="cut stream"),
        pytest.param(Line(status=429, retry_after="7"), timedelta(seconds=7), id="429"),
    ],
)
async def test_who_fails_once_is_asked_again(scene: Scene, line: Line, waits: timedelta) -> None:
    """After the wait that the vendor asks for; trap T34."""
    played = await scene.played(line, Line())

    assert played.session.ending is Ending.DONE
    assert played.waited == waits
    assert len(scene.asked) == 2


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Line(calls=(("propose_interval", "{interval: 30"),)), id="malformed"),
        pytest.param(
            Line(calls=(("propose_interval", {"interval_ms": 30_000}),), cut=True), id="truncated"
        ),
    ],
)
async def test_broken_calls_are_told_and_grant_nothing(scene: Scene, line: Line) -> None:
    """The model hears of it, and the session goes on."""
    played = await scene.played(line)

    assert played.session.ending is Ending.DONE
    assert played.told_of("broken_call")
    assert "no JSON object" in scene.asked[1]
    assert played.untouched


async def test_a_refusal_in_words_grants_nothing(scene: Scene) -> None:
    """It is kept as what was said."""
    played = await scene.played(Line(calls=(), text="I cannot help with that."))

    assert played.told_of("not_submitted")
    assert played.session.reasoning == "I cannot help with that."
    assert played.untouched


@pytest.mark.parametrize("usage", [None, (10**18, 1), (-5, 1)], ids=["none", "absurd", "negative"])
async def test_usage_that_cannot_be_is_charged_as_reserved(
    scene: Scene, usage: tuple[int, int] | None
) -> None:
    """Nobody knows what it cost: then it cost all that it may have, be the answer read or not."""
    played = await scene.played(Line(usage=usage))

    assert played.session.ending in {Ending.DONE, Ending.FAILED}
    assert sum(USAGE) < played.used < 10_000
    assert played.untouched


Arguments = dict[str, Any]
ABSURD: list[tuple[str, Arguments]] = [
    ("propose_interval", {"interval_ms": 1500.5, "reason": "r"}),
    ("propose_interval", {"interval_ms": -60_000, "reason": "r"}),
    ("propose_interval", {"interval_ms": 10**18, "reason": "r"}),
    ("propose_next_time", {"next_run_in_ms": 0, "reason": "r"}),
    ("pause_until", {"until": "2001-01-01T00:00:00Z", "reason": "r"}),
    ("pause_until", {"until": "9999-12-31T23:59:59Z", "reason": "r"}),
    ("pause_until", {"until": "9999-12-31T23:59:59.999999Z", "reason": "r"}),
    ("propose_next_time", {"next_run_at": "9999-12-31T23:59:59.999999Z", "reason": "r"}),
    ("trigger_sibling", {"name": "nobody\0", "reason": "r"}),
    ("drop_tables", {}),
]


@pytest.mark.parametrize("call", ABSURD, ids=lambda call: f"{call[0]} {len(str(call[1]))}")
async def test_absurd_proposals_are_refused_with_a_reason(
    scene: Scene, call: tuple[str, Arguments]
) -> None:
    """Trap T33: fractions, negatives, past instants: refused, recorded, schedule intact."""
    played = await scene.played(Line(calls=(call,)))

    assert played.session.ending is Ending.DONE
    assert played.told_of("refused")
    assert "refused" in scene.asked[1]
    assert played.untouched


async def test_a_thousand_calls_are_contained(scene: Scene) -> None:
    """Trap T35: the session is over at its bound, and nothing is granted."""
    call = ("propose_interval", {"interval_ms": 30_000, "reason": "r"})
    played = await scene.played(Line(calls=(call,) * 1000))

    assert played.session.ending is Ending.BOUNDED
    assert len(played.session.calls) == BOUNDS.calls
    assert played.untouched

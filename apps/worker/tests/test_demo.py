"""The demo tells its story by the clock, on a server that answers what the story says."""

import asyncio
from datetime import datetime, timedelta

import aiohttp
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.model.job import JobState
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import OnceSchedule
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND
from cronicorn_management.desk import Desk
from cronicorn_management.throttle import Throttle
from cronicorn_worker.demo.jobs import demo_jobs, retire
from cronicorn_worker.demo.shop import answer
from cronicorn_worker.demo.story import CHAPTERS, SALE_OPENS_AFTER, WHOLE, Phase, chapter_at
from cronicorn_worker.demo.target import Shop, open_shop
from cronicorn_worker.jobs_file.applying import apply_jobs
from cronicorn_worker.jobs_file.caller import file_caller


def test_the_story_is_told_within_a_minute() -> None:
    """Calm, surge, failing, recovery, calm; and then again."""
    phases = [chapter.phase for chapter in CHAPTERS]

    assert phases == [Phase.CALM, Phase.SURGE, Phase.FAILING, Phase.RECOVERY, Phase.CALM]
    assert WHOLE == MINUTE
    assert chapter_at(WHOLE) == chapter_at(timedelta())


def test_twenty_seconds_show_a_failure_and_the_recovery() -> None:
    """Who looks for as long as `--demo --for 20s` sees the shop break and come back."""
    seen = {chapter_at(timedelta(seconds=second))[0].phase for second in range(20)}

    assert seen == set(Phase)


def test_a_chapter_ends_where_the_next_begins() -> None:
    """Trap T44: the instant of an end belongs to what follows; the rest is told exactly."""
    calm, left = chapter_at(timedelta(seconds=1))
    surge, whole = chapter_at(CHAPTERS[0].lasts)

    assert (calm.phase, left) == (Phase.CALM, CHAPTERS[0].lasts - SECOND)
    assert (surge.phase, whole) == (Phase.SURGE, CHAPTERS[1].lasts)


def test_the_shop_fails_in_three_ways() -> None:
    """While failing: an error at once, an error at checkout, and a page that hangs."""
    health, checkout, stock = (
        answer(path, Phase.FAILING, 0) for path in ("/health", "/checkout", "/stock")
    )

    assert (health.status, checkout.status) == (503, 500)
    assert stock.after > timedelta(seconds=10)
    assert answer("/queue", Phase.FAILING, 0).status == 200


def test_a_retry_helps_in_the_rush() -> None:
    """Every other order is dropped, so that a second attempt succeeds."""
    assert answer("/checkout", Phase.SURGE, 0).status == 503
    assert answer("/checkout", Phase.SURGE, 1).status == 200


def test_whatever_else_is_asked_is_not_there() -> None:
    """The shop has seven pages."""
    assert answer("/admin", Phase.CALM, 0).status == 404


async def test_the_story_begins_with_the_first_visit() -> None:
    """However long the worker takes to start, the calm comes first; each chapter is told once."""
    told: list[str] = []
    clock = ManualClock(EPOCH)
    shop = Shop(clock, lambda phase, _: told.append(phase))
    telling = asyncio.create_task(shop.tell())
    clock.advance(MINUTE)
    visit = asyncio.create_task(shop.visit("/health"))
    await settled()
    clock.advance(SECOND)
    status, _ = await visit

    for _ in range(40):
        await settled()
        clock.advance(SECOND)
    telling.cancel()

    assert status == 200
    assert told == ["calm", "surge", "failing", "recovery", "calm"]


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_shop_answers_http_on_this_machine_only() -> None:
    """A free port of 127.0.0.1, and what the story says behind it."""
    clock = Hurried(EPOCH)
    async with (
        open_shop(clock, lambda *_: None) as shop,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"http://{shop}/queue") as calm:
            first = (calm.status, await calm.json())
        clock.advance(SALE_OPENS_AFTER + timedelta(seconds=5))
        async with session.post(f"http://{shop}/checkout", data="{}") as failing:
            second = failing.status

    assert shop.startswith("127.0.0.1:")
    assert first == (200, {"depth": 3})
    assert second == 500


class Hurried(ManualClock):
    """A clock on which short waits are none, and long ones never end."""

    async def sleep_until(self, instant: datetime) -> None:
        """Return at once, or not at all."""
        if instant - self.now() > SECOND:
            await asyncio.Event().wait()


async def test_the_demos_jobs_are_a_jobs_file_like_any_other() -> None:
    """An interval, a cron of seconds, a retry and a single instant; applied, and retired."""
    store = MemoryStore()
    rules = EveryUrlAllowed()
    clock = ManualClock(EPOCH)
    throttle = Throttle(MemoryRateLimits(store), clock)
    desk = Desk(units=MemoryUnitsOfWork(store), clock=clock, rules=rules, throttle=throttle)
    jobs = demo_jobs("127.0.0.1:9000", now=EPOCH, rules=rules, conditions=CelRuleEvaluator())

    await apply_jobs(jobs, desk=desk, caller=file_caller("demo"))
    await retire(jobs, desk=desk, caller=file_caller("demo"))

    endpoints = {endpoint.name: endpoint.meant for endpoint in jobs[0].endpoints}
    assert set(endpoints) == {
        *("health", "stock", "checkout", "queue", "drain the queue", "restock", "open the sale")
    }
    assert isinstance(endpoints["restock"].schedule, CronSchedule)
    assert len(endpoints["queue"].rules.rules) == 3
    assert endpoints["checkout"].retry.attempts == 3
    assert endpoints["open the sale"].schedule == OnceSchedule(at=EPOCH + SALE_OPENS_AFTER)
    assert {job.state for job in store.tables.jobs.values()} == {JobState.ARCHIVED}

"""Notices are told beside the runs, tried again, and given up in the end."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.alert import DueNotice
from cronicorn_domain.ports.notifier import Told, Untold
from cronicorn_domain.testing.alert_book_contract import a_notice
from cronicorn_domain.testing.builders import an_alert, failed, signing_keys


@dataclass
class Mailbox:
    """Hears notices, and answers as it is told to."""

    answers: list = field(default_factory=list)
    heard: list[DueNotice] = field(default_factory=list)
    keys: list = field(default_factory=list)
    clock: Any = None
    lasts: timedelta = timedelta()

    async def notify(self, due, *, keys=None):
        """Note it, and answer."""
        self.heard.append(due)
        self.keys.append(keys)
        if self.lasts:
            await self.clock.sleep_until(self.clock.now() + self.lasts)
        answer = self.answers.pop(0) if self.answers else Told()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def watched(rig, *answers, **more):
    """Let an endpoint fail every minute, with an alert at the first failure; give who hears."""
    alert = an_alert(threshold=1)
    rig.store.tables.alerts[alert.id] = alert
    await rig.an_endpoint(seconds=60)
    mailbox = Mailbox(list(answers), clock=rig.clock, **more)
    worker = rig.working(answer=rig.taking(0.1, failed()), notifier=mailbox)
    return worker, mailbox


async def test_a_failure_is_told_within_seconds(rig):
    """By name, with the keys of its tenant, and once."""
    rig.store.tables.signing_keys[DEFAULT_TENANT] = signing_keys()
    worker, mailbox = await watched(rig)

    await rig.until(67)
    assert [each.endpoint_name for each in mailbox.heard] == ["health"]
    assert mailbox.keys == [signing_keys()]
    await rig.until(300)

    assert len(mailbox.heard) == 1
    assert len(worker.told("notice_told")) == 1


async def test_who_could_not_be_told_is_tried_again(rig):
    """After a while that doubles, knowing how often it was tried; then it is told."""
    worker, mailbox = await watched(rig, Untold(reason="busy"), RuntimeError("ours"))

    await rig.until(66)
    assert len(mailbox.heard) == 1
    await rig.until(82)
    assert len(mailbox.heard) == 2
    await rig.until(110)

    assert [each.tries for each in mailbox.heard] == [0, 1, 2]
    reasons = [each.reason for each in worker.told("notice_not_told")]
    assert reasons[0] == "busy"
    assert "a fault of ours: RuntimeError" in reasons[1]
    assert len(worker.told("notice_told")) == 1


async def test_what_cannot_be_told_is_given_up(rig):
    """At once where trying again would not help; the log says so."""
    worker, mailbox = await watched(rig, Untold(reason="not let out", final=True))

    await rig.until(900)

    (event,) = worker.told("notice_not_told")
    assert event.given_up
    assert len(mailbox.heard) == 1


async def test_a_slow_receiver_keeps_no_run_waiting(rig):
    """Runs are claimed, sent and settled on time beside it."""
    worker, _ = await watched(rig, lasts=timedelta(seconds=25))

    await rig.until(400)

    assert {event.lateness for event in worker.told("run_settled")} == {timedelta()}


async def test_two_workers_tell_it_once(rig):
    """Whoever takes a notice is the only one that tells it."""
    _, first = await watched(rig)
    second = Mailbox(clock=rig.clock)
    rig.working("two", answer=rig.taking(0.1, failed()), notifier=second)

    await rig.until(200)

    assert len(first.heard) + len(second.heard) == 1


async def test_what_another_has_left_is_found_where_nothing_happens(rig):
    """A process that ran nothing looks seldom, and tells what nobody else does."""
    alert = an_alert(threshold=1)
    rig.store.tables.alerts[alert.id] = alert
    mailbox = Mailbox(clock=rig.clock)
    worker = rig.working(notifier=mailbox)
    await rig.until(100)
    looks = worker.connection.count("unit")

    async with rig.units.begin() as unit:
        await unit.alerts.put(replace(a_notice(alert), at=rig.clock.now()))
        await unit.commit()
    await rig.until(121)

    assert len(mailbox.heard) == 1
    assert looks <= 10

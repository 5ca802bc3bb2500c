"""Who wants to know is told what is used of a month, once for each level of it."""

from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.alert import Occasion
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_domain.ports.notifier import Told
from cronicorn_domain.testing.builders import an_alert


class Heard:
    """Hears notices."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def notify(self, due, *, keys=None):
        """Note it."""
        del keys
        assert due.notice.occasion is Occasion.BUDGET
        self.messages.append(str(due.notice.message))
        return Told()


async def test_a_month_that_is_used_up_is_told_of_once_by_all_workers(rig):
    """At four fifths, and at the end; two workers look, and each level is told once."""
    alert = an_alert()
    rig.store.tables.alerts[alert.id] = alert
    guard, heard = MemoryQuotaGuard(Quotas(every={Meter.TOKENS: Quota(limit=100)})), Heard()
    for _ in range(2):
        rig.working(notifier=heard, budgets=guard)

    await rig.until(70)
    assert heard.messages == []
    await guard.record_usage(DEFAULT_TENANT, 85, now=rig.clock.now())
    await rig.until(400)
    assert len(heard.messages) == 1
    await guard.record_usage(DEFAULT_TENANT, 20, now=rig.clock.now())
    await rig.until(800)

    assert ["80 %" in heard.messages[0], "used up" in heard.messages[1]] == [True, True]
    assert len(heard.messages) == 2

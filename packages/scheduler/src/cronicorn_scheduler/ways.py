"""Chooses who tells a notice: each way has its own notifier."""

from typing import assert_never

from cronicorn_domain.model.alert import DueNotice, Email, Webhook
from cronicorn_domain.model.signing import NoKeys, TenantKeys
from cronicorn_domain.ports.notifier import Notifier, Told, Untold

_NO_LETTERS = Untold(reason="this installation sends no letters: set CRONICORN_SMTP")


class ByItsWay(Notifier):
    """Hands a notice to whoever tells by the way of its alert; without ``letters`` they wait."""

    def __init__(self, *, webhooks: Notifier, letters: Notifier | None) -> None:
        self._webhooks = webhooks
        self._letters = letters

    async def notify(
        self, due: DueNotice, *, keys: TenantKeys | NoKeys | None = None
    ) -> Told | Untold:
        """Tell it."""
        match due.alert.way:
            case Webhook():
                return await self._webhooks.notify(due, keys=keys)
            case Email():
                if self._letters is None:
                    return _NO_LETTERS
                return await self._letters.notify(due, keys=keys)
            case _:
                assert_never(due.alert.way)

"""A breaker for each tenant and model: who fails again and again is left alone for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import TenantId

_FAILURES: Final = 3
_FIRST: Final = timedelta(minutes=5)
_MOST: Final = timedelta(hours=1)
_DOUBLINGS_MOST: Final = 4


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    until: datetime | None = None


class Rests:
    """What this process has seen of models; one session after a rest tries again."""

    def __init__(self) -> None:
        self._troubles: dict[tuple[TenantId, str], _Trouble] = {}

    def until(self, tenant: TenantId, model: str, now: datetime) -> datetime | None:
        """Return until when a model is left alone; None: it is not. Equal is over."""
        trouble = self._troubles.get((tenant, model))
        if trouble is None or trouble.until is None or trouble.until <= now:
            return None
        return trouble.until

    def failed(self, tenant: TenantId, model: str, now: datetime) -> timedelta | None:
        """Note a failure, and return for how long the model is left alone from now on."""
        trouble = self._troubles.setdefault((tenant, model), _Trouble())
        trouble.failures += 1
        if trouble.failures < _FAILURES:
            return None
        rest = min(_FIRST * (1 << min(trouble.failures - _FAILURES, _DOUBLINGS_MOST)), _MOST)
        trouble.until = now + rest
        return rest

    def answered(self, tenant: TenantId, model: str) -> None:
        """Note that it works."""
        self._troubles.pop((tenant, model), None)

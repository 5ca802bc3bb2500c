"""What is told of a server for quotas that is away: what needs none of it goes on."""

from datetime import timedelta

from cronicorn_domain.errors import StoreError

from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.log_lines import milliseconds
from cronicorn_worker.watching.opening_lines import Tell


class QuotaLines:
    """Tells that quotas cannot be asked about, and that they can again."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def not_counted(self, error: StoreError) -> None:
        """Say why."""
        self._tell("quota_unavailable", {"error": str(error)}, level=LogLevel.ERROR)

    def counted_again(self, lasted: timedelta) -> None:
        """Say after how long."""
        self._tell("quota_recovered", {"lasted_ms": milliseconds(lasted)})

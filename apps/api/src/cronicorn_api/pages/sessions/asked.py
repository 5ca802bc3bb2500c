"""Which sessions a page asks for: of which endpoint, and of which day."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from fastapi import Depends, Query

SESSIONS_OF_A_PAGE: Final = 50
_OFFSET_MOST: Final = 100_000
_A_MOMENT: Final = timedelta(microseconds=1)
_Text = Annotated[str, Query(max_length=100)]
_Offset = Annotated[int, Query(ge=0, le=_OFFSET_MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        endpoint_id: Of which endpoint; None: of all.
        day: Of which day of the shown zone; None: of all that are kept.
        offset: So many are passed over.
    """

    endpoint_id: EndpointId | None
    day: date | None
    offset: int

    @property
    def is_narrowed(self) -> bool:
        """Whether it asks for fewer than all."""
        return self.endpoint_id is not None or self.day is not None

    def window(self, here: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Return from when to when sessions are meant to have begun, both within."""
        if self.day is None:
            return None, None
        begins_at = datetime.combine(self.day, time(), tzinfo=here)
        ends_at = datetime.combine(self.day + timedelta(days=1), time(), tzinfo=here)
        return begins_at, ends_at - _A_MOMENT

    def address(self, *, offset: int = 0) -> str:
        """Return the address of the same from another one on."""
        given = {
            "endpoint": "" if self.endpoint_id is None else str(self.endpoint_id),
            "day": "" if self.day is None else self.day.isoformat(),
            "offset": str(offset) if offset else "",
        }
        kept = {name: value for name, value in given.items() if value}
        return f"/sessions?{urlencode(kept)}" if kept else "/sessions"


def asked_of(*, endpoint: _Text = "", day: _Text = "", offset: _Offset = 0) -> Asked:
    """Read the address. Raises ``InvalidInput``."""
    return Asked(endpoint_id=_endpoint(endpoint), day=_day(day), offset=offset)


TheAsked = Annotated[Asked, Depends(asked_of)]


def _endpoint(text: str) -> EndpointId | None:
    try:
        return EndpointId(UUID(text)) if text else None
    except ValueError:
        raise InvalidInput(
            "that is no endpoint", field="endpoint", remedy="give the id of one"
        ) from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is no date", field="day", remedy="give one such as 2025-01-31"
        ) from None

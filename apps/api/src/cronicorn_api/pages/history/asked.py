"""What an address asks of the history: which slots, of which days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import RunId
from cronicorn_management.history.past import Kept, PastSlot
from fastapi import Depends, Query

from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.timeline.wall_times import wall_time

_DATE_LENGTH: Final = 10
_Text = Annotated[str, Query(max_length=100)]
_From = Annotated[str, Query(max_length=100, alias="from")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        kept: Which outcomes; None: all.
        begins_at: From which instant on; None: from the first that is kept.
        ends_at: Until which, itself within; None: until now.
        since: Where it begins as it was written, and ``until`` where it ends.
    """

    kept: Kept | None
    begins_at: datetime | None
    ends_at: datetime | None
    since: str
    until: str

    @property
    def query(self) -> str:
        """What an address says to ask for the same; empty, or with its question mark."""
        status = "" if self.kept is None else self.kept.value
        given = {"from": self.since, "until": self.until, "status": status}
        kept = {name: value for name, value in given.items() if value}
        return f"?{urlencode(kept)}" if kept else ""

    def query_behind(self, slot: PastSlot) -> str:
        """What an address says to go on behind a slot."""
        further = urlencode({"cursor": self.cursor_behind(slot)})
        return f"{self.query}&{further}" if self.query else f"?{further}"

    def cursor_behind(self, slot: PastSlot) -> str:
        """Return where a list goes on behind a slot."""
        if slot.run is not None and self.kept is not None:
            return str(slot.run.id)
        return slot.last.isoformat().replace("+00:00", "Z")

    def before(self, cursor: str) -> datetime | RunId | None:
        """Read where a list goes on; None: it begins. Raises ``InvalidInput``."""
        if not cursor:
            return None
        try:
            if self.kept is None or self.kept is Kept.NOT_RUN:
                return datetime.fromisoformat(cursor)
            return RunId(UUID(cursor))
        except ValueError:
            raise InvalidInput(
                "the cursor is none", field="cursor", remedy="begin at the first page"
            ) from None


def asked_of(
    *, viewer: TheViewer, status: _Text = "", since: _From = "", until: _Text = ""
) -> Asked:
    """Read the address: dates as whole days of the shown zone. Raises ``InvalidInput``."""
    here = viewer.here()
    return Asked(
        kept=_kept(status),
        begins_at=wall_time(since, here, field="from") if since else None,
        ends_at=_end(until, here) if until else None,
        since=since,
        until=until,
    )


TheAsked = Annotated[Asked, Depends(asked_of)]


def _kept(status: str) -> Kept | None:
    if not status:
        return None
    if status not in set(Kept):
        raise InvalidInput(
            f"there is no status {status[:40]!r}",
            field="status",
            remedy=f"choose one of {', '.join(Kept)}",
        )
    return Kept(status)


def _end(until: str, here: ZoneInfo) -> datetime:
    ends_at = wall_time(until, here, field="until")
    if len(until) == _DATE_LENGTH:
        return ends_at + timedelta(days=1) - timedelta(microseconds=1)
    return ends_at

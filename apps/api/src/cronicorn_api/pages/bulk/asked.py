"""What is to be done to many endpoints, as forms say it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.policies.proposing import pause_until
from cronicorn_domain.ports.board import Wanted
from cronicorn_management.endpoints.bulk import OPEN_PAUSE, BulkAction

from cronicorn_api.pages.endpoint.pausing import pause_of
from cronicorn_api.pages.endpoints.asked import Asked, asked_in
from cronicorn_api.pages.endpoints.views import ids_in
from cronicorn_api.pages.frame.forms import Lists

_IDS_MOST: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """
    What is to be done, to which.

    Attributes:
        asked: The filter of the list; all that it means are meant if ``ids`` is None.
        ids: Those that were chosen one by one.
        fields: The form that says all of it once more.
    """

    action: BulkAction
    pause: Pause
    asked: Asked
    ids: Sequence[EndpointId] | None

    @property
    def wanted(self) -> Wanted:
        """Return which endpoints are meant."""
        if self.ids is None:
            return self.asked.wanted
        return replace(Wanted(), ids=frozenset(self.ids))

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """Say the same in a form; the pause by its end, so that it stays what was shown."""
        fields = [*self.asked.filters, ("do", self.action.value)]
        if self.asked.sort:
            fields.append(("sort", self.asked.sort))
        if self.action is BulkAction.PAUSE:
            ends = "open" if self.pause.until >= OPEN_ENDED else "until"
            fields += [("length", ends), ("until", self.pause.until.isoformat())]
            fields.append(("reason", self.pause.reason or ""))
        if self.ids is None:
            fields.append(("all", "yes"))
        else:
            fields.append(("ids", ",".join(str(each) for each in self.ids)))
        return fields


def deed_of(form: Lists, now: datetime, here: ZoneInfo) -> Deed:
    """
    Read what is to be done.

    Raises ``InvalidInput``: nothing was chosen, or the pause makes no sense.
    """
    given = {name: values[-1] for name, values in form.items()}
    verb, _, length = given.get("do", "").partition(":")
    try:
        action = BulkAction(verb)
    except ValueError:
        raise InvalidInput("nothing says what is to be done", field="do") from None
    pause = OPEN_PAUSE
    if action is BulkAction.PAUSE:
        chosen = {**given, "length": length or given.get("length", "open")}
        pause = pause_of(chosen, now, here)
        pause = pause_until(pause.until, pause.reason, now)
    ids = None if given.get("all") == "yes" else ids_chosen(form)
    if ids is not None and not ids:
        raise InvalidInput("no endpoint is selected", field="id", remedy="select some")
    return Deed(action=action, pause=pause, asked=asked_in(given), ids=ids)


def ids_chosen(form: Lists) -> Sequence[EndpointId]:
    """Return which endpoints were chosen one by one."""
    listed = [*form.get("id", []), *",".join(form.get("ids", [])).split(",")]
    found: list[EndpointId] = []
    for each in listed[:_IDS_MOST]:
        found += [EndpointId(one) for one in ids_in(each)]
    return list(dict.fromkeys(found))

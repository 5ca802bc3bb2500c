"""
What was to wait: for a target that asked for it, or for a quota's new month.

A target asks with 429, 503 or a redirect with ``Retry-After`` (docs/politeness.md); of what a quota
put off (docs/quotas.md) the canceled run tells.

Nothing of the endpoint starts before that, counted from the end of the run; granted to a target
is at most the longest interval, or an hour. Runs by hand and repeats wait as well.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import Created, Edited, Entry, LeaseEnd
from tools.checker.life import Claimed, Ended, Life, Moment

NEVER = datetime.min.replace(tzinfo=UTC)
GRANTED_MOST = timedelta(hours=1)
BUSY = {429, 503, *range(300, 400)}
PUT_OFF = re.compile(r"deferred to (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


def check_waits(life: Life) -> Iterator[Finding]:
    """Go through a life, and judge each start by what was asked for before its claim."""
    asked = _Asked()
    for moment in life.moments:
        if isinstance(moment, Ended) and not life.is_judged(moment.at):
            continue  # how much was granted then is not known
        if not isinstance(moment, Claimed):
            asked.hear(moment)
            continue
        run = moment.run
        if asked.by is not None and run.started_at is not None and run.started_at < asked.until:
            sentence = f"it started at {stamp(run.started_at)}, and since the run of "
            sentence += f"{stamp(asked.by.slot)} it was to wait until {stamp(asked.until)}"
            yield about(run, Fault.WAIT_BROKEN, sentence)


def waits_until(life: Life, at: datetime) -> datetime:
    """Return until when all that was asked for before ``at`` makes an endpoint wait."""
    asked = _Asked()
    for moment in life.moments:
        if moment.at <= at:
            asked.hear(moment)
    return asked.until


class _Asked:
    """The longest wait that was asked for so far, and the run that heard it."""

    def __init__(self) -> None:
        self.until = NEVER
        self.by: Run | None = None
        self._endpoint: Endpoint | None = None

    def hear(self, moment: Moment) -> None:
        """Take in what happened next."""
        match moment:
            case Entry(deed=Created(endpoint=known) | Edited(endpoint=known)):
                self._endpoint = known
            case Ended(run=run, how=LeaseEnd.SETTLED) if self._endpoint is not None:
                self._wait(run, _asked(run, self._endpoint))
            case Ended(run=run, how=LeaseEnd.RELEASED):
                self._wait(run, _put_off(run))
            case _:
                return

    def _wait(self, run: Run, until: datetime | None) -> None:
        if until is not None and until > self.until:
            self.until, self.by = until, run


def _asked(run: Run, endpoint: Endpoint) -> datetime | None:
    """Return until when the answer of a run asks to wait, as far as that is granted."""
    if run.response is None or run.finished_at is None or run.response.status_code not in BUSY:
        return None
    values = {text.strip() for name, text in run.response.headers if name.lower() == "retry-after"}
    if len(values) != 1:
        return None  # none, or two that contradict each other
    most = endpoint.guardrails.longest or GRANTED_MOST
    wanted = _wanted(values.pop(), run.finished_at)
    return None if wanted is None else run.finished_at + min(wanted, most)


def _put_off(run: Run) -> datetime | None:
    """Return until when a quota has put off a run that was given back, to the second."""
    told = PUT_OFF.match(run.message or "")
    return None if told is None else datetime.fromisoformat(told[1]).replace(tzinfo=UTC)


def _wanted(text: str, ended_at: datetime) -> timedelta | None:
    """Read whole seconds or an HTTP date; other values mean nothing here."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 10**9))
    try:
        return datetime.strptime(text, HTTP_DATE).replace(tzinfo=UTC) - ended_at
    except ValueError:
        return None

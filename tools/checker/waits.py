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
from tools.checker.life import Claimed, Ended, Life

GRANTED_MOST = timedelta(hours=1)
BUSY = {429, 503, *range(300, 400)}
PUT_OFF = re.compile(r"deferred to (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


def check_waits(life: Life) -> Iterator[Finding]:
    """Go through a life, and judge each start by what was asked for before its claim."""
    endpoint: Endpoint | None = None
    until: datetime | None = None
    asked_by: Run | None = None
    for moment in life.moments:
        match moment:
            case Entry(deed=Created(endpoint=known) | Edited(endpoint=known)):
                endpoint = known
            case Ended(run=run, how=LeaseEnd.SETTLED) if endpoint is not None:
                asked = _asked(run, endpoint)
                if asked is not None and (until is None or asked > until):
                    until, asked_by = asked, run
            case Ended(run=run, how=LeaseEnd.RELEASED):
                put_off = _put_off(run)
                if put_off is not None and (until is None or put_off > until):
                    until, asked_by = put_off, run
            case Claimed(run=run) if until is not None and asked_by is not None:
                if run.started_at is not None and run.started_at < until:
                    sentence = f"it started at {stamp(run.started_at)}, and since the run of "
                    sentence += f"{stamp(asked_by.slot)} it was to wait until {stamp(until)}"
                    yield about(run, Fault.WAIT_BROKEN, sentence)
            case _:
                continue


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

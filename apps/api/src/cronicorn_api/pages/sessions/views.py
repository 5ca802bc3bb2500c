"""What the pages of the AI planner's sessions show, in the words in which they show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from cronicorn_domain.model.proposal import Proposal, ProposePause, ProposeRun, in_words
from cronicorn_domain.model.session import (
    Ending,
    MadeCall,
    NamedSession,
    NextRun,
    Session,
    Suggestion,
)
from cronicorn_management.sessions.browsing import Browsed

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import exact, length
from cronicorn_api.pages.runs.trees import Node, tree_of
from cronicorn_api.pages.sessions.asked import SESSIONS_OF_A_PAGE, Asked
from cronicorn_api.pages.timeline.sources import source_words

_BRIEF: Final = 240
_MILLIONTHS: Final = 1_000_000
_ENDINGS: Final[dict[Ending, tuple[str, str]]] = {
    Ending.DONE: ("success", "done"),
    Ending.FAILED: ("our_failure", "no usable answer"),
    Ending.BOUNDED: ("late", "a bound was reached"),
    Ending.DENIED: ("blocked", "quota used up"),
    Ending.HINDERED: ("canceled", "our store was away"),
    Ending.STOPPED: ("canceled", "worker stopped"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionLine:
    """A suggestion that waits for somebody to decide."""

    id: str
    endpoint_id: str
    endpoint: str
    session: str
    proposal: str
    reason: str
    made: Moment
    over: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A session in a list."""

    id: str
    endpoint_id: str
    endpoint: str
    outcome: Outcome
    word: str
    began: Moment
    time: str
    cause: str
    brief: str
    tokens: str
    cost: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The sessions of a day."""

    name: str
    sessions: Sequence[SessionLine]
    tokens: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsView:
    """
    The page of sessions.

    Attributes:
        suggestions: What waits for a decision, whichever sessions are shown.
        days: The sessions by day, the newest first.
        endpoint_id: The endpoint they are of, and ``endpoint`` its name; empty: all of them.
        day: The day they are of; empty: any.
        narrowed: Whether fewer than all were asked for.
        newer: Where those before are shown; None: there are none. ``older``: those behind.
    """

    suggestions: Sequence[SuggestionLine]
    days: Sequence[Day]
    sentence: str
    endpoint_id: str
    endpoint: str
    day: str
    narrowed: bool
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool that the model called."""

    number: int
    tool: str
    arguments: Node | None
    arguments_text: str
    result: Node | None
    result_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """The page of one session."""

    line: SessionLine
    ended: Moment
    took: str
    model: str
    mode: str
    reasoning: str
    error: str | None
    caveats: Sequence[str]
    calls: Sequence[Call]
    prompt: str
    tokens_in: str
    tokens_out: str
    before: str
    after: str
    before_at: Moment | None
    after_at: Moment | None
    next_look: Moment


def sessions_view(found: Browsed, zones: Zones, here: ZoneInfo, asked: Asked) -> SessionsView:
    """Say what the page of sessions shows."""
    days = [
        Day(
            name=f"{day:%a %Y-%m-%d}",
            sessions=[_line(each, zones) for each in each_day],
            tokens=exact(sum(each.session.tokens for each in each_day)),
        )
        for day, group in groupby(
            found.sessions, key=lambda each: each.session.started_at.astimezone(here).date()
        )
        for each_day in [list(group)]
    ]
    further = asked.offset + SESSIONS_OF_A_PAGE
    back = max(asked.offset - SESSIONS_OF_A_PAGE, 0)
    of = asked.endpoint_id
    return SessionsView(
        suggestions=[_suggestion(each, found, zones) for each in found.suggestions],
        days=days,
        sentence=_sentence(found, asked),
        endpoint_id="" if of is None else str(of),
        endpoint="" if of is None else found.names.get(of, str(of)),
        day="" if asked.day is None else asked.day.isoformat(),
        narrowed=asked.is_narrowed,
        newer=asked.address(offset=back) if asked.offset else None,
        older=asked.address(offset=further) if found.total > further else None,
    )


def session_view(found: NamedSession, zones: Zones) -> SessionView:
    """Say what the page of one session shows."""
    session = found.session
    return SessionView(
        line=_line(found, zones),
        ended=zones.moment(session.ended_at),
        took=length(session.ended_at - session.started_at),
        model=session.model,
        mode=session.mode.value,
        reasoning=session.reasoning,
        error=session.error,
        caveats=[each.message for each in session.caveats],
        calls=[_call(number, each) for number, each in enumerate(session.calls, 1)],
        prompt=session.prompt,
        tokens_in=exact(session.tokens_in),
        tokens_out=exact(session.tokens_out),
        before=_next(session.before),
        after=_next(session.after),
        before_at=None if session.before is None else zones.moment(session.before.due_at),
        after_at=None if session.after is None else zones.moment(session.after.due_at),
        next_look=zones.moment(session.next_analysis_at),
    )


def _line(found: NamedSession, zones: Zones) -> SessionLine:
    session = found.session
    name, word = _ENDINGS[session.ending]
    return SessionLine(
        id=str(session.id),
        endpoint_id=str(session.endpoint_id),
        endpoint=found.endpoint_name,
        outcome=OUTCOMES[name],
        word=word,
        began=zones.moment(session.started_at),
        time=zones.clock_of(session.started_at),
        cause=session.cause,
        brief=_brief(session),
        tokens=exact(session.tokens),
        cost=_cost(session.cost),
        change=_change(session),
    )


def _suggestion(each: Suggestion, found: Browsed, zones: Zones) -> SuggestionLine:
    words = _in_words(each.proposal, zones)
    return SuggestionLine(
        id=str(each.id),
        endpoint_id=str(each.endpoint_id),
        endpoint=found.names.get(each.endpoint_id, str(each.endpoint_id)),
        session=str(each.session_id),
        proposal=f"{words[0].upper()}{words[1:]}",
        reason=each.proposal.reason,
        made=zones.moment(each.created_at),
        over=zones.moment(each.expires_at),
    )


def _in_words(proposal: Proposal, zones: Zones) -> str:
    """Tell a proposal as the domain does, but for instants, which are told in the shown zone."""
    match proposal:
        case ProposePause(until=until):
            return f"pause until {zones.moment(until).clock}"
        case ProposeRun(at=at):
            return f"run once at {zones.moment(at).clock}"
        case _:
            return in_words(proposal)


def _call(number: int, call: MadeCall) -> Call:
    return Call(
        number=number,
        tool=call.tool,
        arguments=tree_of(call.arguments),
        arguments_text=call.arguments,
        result=tree_of(call.result),
        result_text=call.result,
    )


def _brief(session: Session) -> str:
    text = session.error or session.reasoning
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"


def _cost(cost: int | None) -> str:
    return "-" if cost is None else f"{cost / _MILLIONTHS:.4f}"


def _change(session: Session) -> str:
    if session.before == session.after:
        return "changed nothing"
    return f"{_next(session.before)}, then {_next(session.after)}"


def _next(run: NextRun | None) -> str:
    return "no run planned" if run is None else source_words(run.source)


def _sentence(found: Browsed, asked: Asked) -> str:
    waiting = len(found.suggestions)
    when = "in the last 90 days" if asked.day is None else f"on {asked.day.isoformat()}"
    of = "" if asked.endpoint_id is None else " of this endpoint"
    sessions = "1 session" if found.total == 1 else f"{exact(found.total)} sessions"
    if not waiting:
        return f"{sessions}{of} {when}; nothing waits for you."
    wait = "1 suggestion waits" if waiting == 1 else f"{exact(waiting)} suggestions wait"
    return f"{wait} for a decision; {sessions}{of} {when}."

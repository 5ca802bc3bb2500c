"""Shows hints."""

from typing import Literal

from cronicorn_domain.model.hint import Hint, IntervalHint, OneShotHint
from cronicorn_management.hints.listing import ListedHint
from cronicorn_management.pages import Page

from cronicorn_api.hints.schemas import EndedHintBody, HintBody, HintList
from cronicorn_api.wire.values import in_milliseconds

_End = Literal["expired", "cleared", "consumed", "outranked"]


def hint_body(hint: Hint) -> HintBody:
    """Show a hint."""
    match hint:
        case IntervalHint():
            return HintBody(
                id=str(hint.id),
                kind="interval",
                author=hint.author,
                interval_ms=in_milliseconds(hint.every),
                created_at=hint.created_at,
                expires_at=hint.expires_at,
                reason=hint.reason,
            )
        case OneShotHint():
            return HintBody(
                id=str(hint.id),
                kind="oneshot",
                author=hint.author,
                next_run_at=hint.at,
                created_at=hint.created_at,
                expires_at=hint.expires_at,
                reason=hint.reason,
            )


def hint_list(page: Page[ListedHint]) -> HintList:
    """Show hints with their lives."""
    hints = [_ended(each) for each in page.items]
    return HintList(hints=hints, next_cursor=hints[-1].id if page.more else None)


def _ended(listed: ListedHint) -> EndedHintBody:
    record = listed.record
    return EndedHintBody(
        **dict(hint_body(record.hint)),
        ended=_end(listed),
        ended_at=record.ended_at,
        run_id=None if record.run_id is None else str(record.run_id),
    )


def _end(listed: ListedHint) -> _End | None:
    end = listed.record.end
    if end is not None:
        return end.value
    return "outranked" if listed.outranked else None

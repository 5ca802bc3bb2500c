"""Parts of lists, each going on where the one before it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cronicorn_domain.errors import InvalidInput

PAGE_MOST = 1000
PAGE_USUAL = 100
OFFSET_MOST = 1_000_000
"""Behind that only a cursor leads: whatever is passed over has to be read."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and whether there are more behind the last of them."""

    items: Sequence[Item]
    more: bool


def page_of(found: Sequence[Item], limit: int) -> Page[Item]:
    """Make a page of what was found; one item more than the limit was looked for."""
    return Page(found[:limit], more=len(found) > limit)


def check_limit(limit: int, *, most: int = PAGE_MOST) -> int:
    """Return how many items to look for, so that more of them show. Raises ``InvalidInput``."""
    if not 1 <= limit <= most:
        raise InvalidInput(
            f"{limit} items are not possible", field="limit", remedy=f"give 1 to {most}"
        )
    return limit + 1


def check_offset(offset: int) -> int:
    """Return how many items to pass over. Raises ``InvalidInput``."""
    if not 0 <= offset <= OFFSET_MOST:
        raise InvalidInput(
            f"{offset} items cannot be passed over",
            field="offset",
            remedy=f"give 0 to {OFFSET_MOST}, or a cursor",
        )
    return offset

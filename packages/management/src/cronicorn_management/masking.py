"""What is shown in the place of secrets."""

from collections.abc import Sequence
from typing import Final

from cronicorn_domain.model.endpoint import Header

MASK: Final = "••••••••"
_SET_BY_TARGETS: Final = frozenset({"set-cookie", "set-cookie2"})


def shown_headers(headers: Sequence[Header]) -> Sequence[tuple[str, str]]:
    """Return what is sent with the values of secret headers masked; trap T43."""
    return [(each.name, MASK if each.secret else each.value) for each in headers]


def shown_response_headers(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return what a target answered with the cookies that it set masked; trap T43."""
    return [(name, MASK if name.lower() in _SET_BY_TARGETS else value) for name, value in headers]

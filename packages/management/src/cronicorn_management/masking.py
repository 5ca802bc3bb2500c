"""What is shown in the place of secrets."""

import re
from collections.abc import Sequence
from typing import Final

from cronicorn_domain.model.endpoint import Header

MASK: Final = "••••••••"
_SET_BY_TARGETS: Final = frozenset({"set-cookie", "set-cookie2"})
_USER_OF_URL: Final = re.compile(r"(?<=//)[^/?#\s]*@")
"""Who signs in by a URL, and the password: `https://ada:secret@example.org/`."""


def shown_headers(headers: Sequence[Header]) -> Sequence[tuple[str, str]]:
    """Return what is sent with the values of secret headers masked; trap T43."""
    return [(each.name, MASK if each.secret else each.value) for each in headers]


def shown_response_headers(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return what a target answered with cookies and credentials of URLs masked; trap T43."""
    return [(name, _shown(name, value)) for name, value in headers]


def _shown(name: str, value: str) -> str:
    return MASK if name.lower() in _SET_BY_TARGETS else _USER_OF_URL.sub(f"{MASK}@", value)

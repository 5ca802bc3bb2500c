"""Tells people what has happened."""

from dataclasses import dataclass
from typing import Protocol

from cronicorn_domain.model.alert import DueNotice
from cronicorn_domain.model.signing import NoKeys, TenantKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """It has arrived, as far as can be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """It has not, or that is not known; ``final`` says that trying again would not help."""

    reason: str
    final: bool = False


class Notifier(Protocol):
    """
    Tells a notice by the way of its alert.

    Promises:

    - Whatever the receiver or the network does is an answer, never an exception, and comes within
      half a minute.
    - A notice that is told again can be known by its id as the same.
    - What the installation does not let out is ``Untold``, finally, and nothing was sent.
    - A webhook is signed where there are keys; where they are out of reach nothing is sent.
    - Neither the answer nor a log holds a secret.
    """

    async def notify(
        self, due: DueNotice, *, keys: TenantKeys | NoKeys | None = None
    ) -> Told | Untold:
        """Tell it; ``keys`` are those that the tenant signs with."""
        ...

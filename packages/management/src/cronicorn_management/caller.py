"""For whom something is asked: whose tenant, who, and what they may."""

from dataclasses import dataclass
from enum import StrEnum

from cronicorn_domain.errors import NeedsPerson, NotAllowed
from cronicorn_domain.identity import PersonId, SignInId, TenantId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.trace import Trace


class CallerKind(StrEnum):
    """By what a caller is known."""

    PERSON = "person"
    KEY = "key"
    DEVICE = "device"
    FILE = "file"
    SETUP = "setup"
    COMMAND = "command"


EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    Who asks, once it is proven; ``name`` is what the audit calls them.

    Attributes:
        person: On whose behalf: when they are disabled, this caller is nobody any more.
        sign_in: By which sign-in session they are known, if by one.
        trace: In which trace they ask; requests that come of it go on with it.
    """

    tenant: TenantId
    kind: CallerKind
    name: str
    scopes: frozenset[Scope]
    person: PersonId | None = None
    sign_in: SignInId | None = None
    trace: Trace | None = None

    @property
    def actor(self) -> str:
        """Who it is, as the audit has it."""
        return f"{self.kind}:{self.name}"

    def check(self, scope: Scope) -> None:
        """Refuse with ``NotAllowed`` who does not have the scope."""
        if scope not in self.scopes:
            raise NotAllowed(scope)

    def signed_in(self) -> PersonId:
        """Return who is signed in. Raises ``NeedsPerson``: a key is nobody."""
        if self.sign_in is None or self.person is None:
            raise NeedsPerson
        return self.person

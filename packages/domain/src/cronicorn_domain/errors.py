"""
Everything this system can refuse to do.

CronicornError
├── InvalidInput            what was given cannot be meant; `field` says where
│   ├── InvalidSchedule     an expression, zone or length that cannot be a schedule
│   └── RefusedUrl          a URL that the egress rules do not let out
├── NotFound                there is no such job, endpoint, run or hint for this tenant
├── NameTaken               the job or endpoint name is in use
├── ForbiddenTransition     the state machine does not allow it from here
├── LeaseLost               the token is no longer the endpoint's; nothing was written
└── StoreError              the store's own cause is in ``__cause__``
    ├── StoreUnavailable    cannot be reached, is locked or full; trying again may help
    ├── StoreRefused        the store answered no: rights, a broken constraint
    ├── SchemaMismatch      the database is older or newer than this code
    ├── UnreadableRow       a stored row no longer means anything; `subject` names it
    └── SecretsUnavailable  a secret cannot be encrypted or read: no key, or not its key
"""

from cronicorn_domain.identity import Token


class CronicornError(Exception):
    """The root of the tree: whatever Cronicorn itself refuses."""


class InvalidInput(CronicornError):
    """
    What was given cannot be meant.

    Attributes:
        field: The member at fault, as the person wrote it (``min``, ``url``), or None.
        remedy: What to write instead, one sentence.
    """

    def __init__(
        self, message: str, *, field: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.remedy = remedy


class InvalidSchedule(InvalidInput):
    """An expression, zone or length that cannot be a schedule, or one that can never fire."""


class RefusedUrl(InvalidInput):
    """A URL that is malformed, or that the egress rules do not let out."""


class NotFound(CronicornError):
    """There is no such thing for this tenant; another tenant's is the same as none."""

    def __init__(self, kind: str, identity: object) -> None:
        super().__init__(f"there is no {kind} {identity}")
        self.kind = kind
        self.identity = identity


class NameTaken(CronicornError):
    """A job of the tenant, or an endpoint of the job, has this name already."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"the {kind} name {name!r} is in use")
        self.kind = kind
        self.name = name


class ForbiddenTransition(CronicornError):
    """The state machine of a job or an endpoint does not allow it from where it is."""

    def __init__(self, kind: str, identity: object, *, state: str, verb: str) -> None:
        super().__init__(f"{kind} {identity} is {state}: it cannot {verb}")
        self.kind = kind
        self.identity = identity
        self.state = state
        self.verb = verb


class LeaseLost(CronicornError):
    """The token no longer holds the endpoint; nothing was written."""

    def __init__(self, token: Token) -> None:
        super().__init__(f"lease {token} is lost")
        self.token = token


class StoreError(CronicornError):
    """The store could not do it; its own cause is in ``__cause__``."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, is locked, full or read-only; trying again may help."""


class StoreRefused(StoreError):
    """The store answered no (rights, a constraint); trying again will not help."""


class SchemaMismatch(StoreError):
    """The database is not at the revision this code was written for."""

    def __init__(self, message: str, *, found: str | None, expected: str) -> None:
        super().__init__(message)
        self.found = found
        self.expected = expected


class UnreadableRow(StoreError):
    """A stored row no longer means anything; it harms only itself."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject} cannot be read: {reason}")
        self.subject = subject
        self.reason = reason


class SecretsUnavailable(StoreError):
    """A secret cannot be encrypted or read; the message names the remedy."""

"""
Everything this system can refuse to do.

CronicornError
├── InvalidInput            what was given cannot be meant; `field` says where
│   ├── InvalidSchedule     an expression, zone or length that cannot be a schedule
│   ├── RefusedUrl          a URL that the egress rules do not let out
│   ├── InvalidExpression   a rule's condition that cannot be understood; `line`, `column` say where
│   ├── KeyOfAnother        an idempotency key came with another request before
│   └── SeveralFaults       more than one of these, each an `Issue`
├── NotFound                there is no such job, endpoint, run or hint for this tenant
├── NotAllowed              the caller may not do it at all
│   └── NeedsPerson         only somebody who is signed in may do it
├── SignInRefused           the e-mail address or the password is not right; which, is not told
├── RefusedByRule           it could be meant, and a rule of this installation forbids it
│   ├── LimitReached        the tenant has as much of it as it may have
│   ├── SetupLinkSpent      the link was used, has expired, or never was one
│   ├── TooLarge            more than can be taken at once
│   └── TooManyRequests     too often; `retry_after` says when it may be asked again
├── Conflict                what stands already does not go with it
│   ├── NameTaken           the job or endpoint name is in use
│   ├── KeyTaken            the external key is in use
│   ├── SecretTaken         an API key has this secret already
│   ├── EmailTaken          a person has this e-mail address already
│   ├── AlreadyFounded      the installation has its owner
│   ├── SigningKeyPresent   the tenant has a signing key: it is rotated, not made again
│   ├── ForbiddenTransition the state machine does not allow it from here
│   ├── ChangedMeanwhile    somebody has changed it since the caller saw it
│   ├── StillUnderWay       the same request is being done at this moment
│   └── AnswerNotKept       it was done, and its answer cannot be given again
├── LeaseLost               the token is no longer the endpoint's; nothing was written
└── StoreError              the store's own cause is in ``__cause__``
    ├── StoreUnavailable    cannot be reached, is locked or full; trying again may help
    ├── StoreRefused        the store answered no: rights, a broken constraint
    ├── SchemaMismatch      the database is older or newer than this code
    ├── UnreadableRow       a stored row no longer means anything; `subject` names it
    └── SecretsUnavailable  a secret cannot be encrypted or read: no key, or not its key
        └── NoSecretKey     there is no key to encrypt with: this installation keeps no secrets
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from cronicorn_domain.identity import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """
    One thing to mend in what was given.

    Attributes:
        path: The member at fault, dotted (``headers.Accept``); empty for the whole.
        message: What was found, and what is allowed instead.
        code: The kind of fault, a name that lasts: programs depend on it.
    """

    path: str
    message: str
    code: str


class CronicornError(Exception):
    """The root of the tree: whatever Cronicorn itself refuses."""


class InvalidInput(CronicornError):
    """
    What was given cannot be meant.

    Attributes:
        field: The member at fault, as the person wrote it (``min``, ``url``), or None.
        remedy: What to write instead, one sentence.
        code: The kind of fault, as an issue names it.
    """

    code: ClassVar[str] = "invalid"

    def __init__(
        self, message: str, *, field: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.remedy = remedy

    @property
    def issues(self) -> Sequence[Issue]:
        """Everything that is to be mended."""
        message = f"{self}: {self.remedy}" if self.remedy else str(self)
        return (Issue(path=self.field or "", message=message, code=self.code),)


class InvalidSchedule(InvalidInput):
    """An expression, zone or length that cannot be a schedule, or one that can never fire."""

    code = "invalid_schedule"


class RefusedUrl(InvalidInput):
    """A URL that is malformed, or that the egress rules do not let out."""

    code = "refused_url"


class InvalidExpression(InvalidInput):
    """
    A condition that cannot be understood, or that could never say yes or no.

    Attributes:
        line: Where the fault is, from 1; None where that cannot be told.
        column: The character of the line, from 1.
    """

    code = "invalid_expression"

    def __init__(
        self,
        message: str,
        *,
        field: str,
        remedy: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, field=field, remedy=remedy)
        self.line = line
        self.column = column


class KeyOfAnother(InvalidInput):
    """An idempotency key came with a request before that asked for something else."""

    code = "key_of_another"

    def __init__(self) -> None:
        super().__init__(
            "this key came with another request",
            field="Idempotency-Key",
            remedy="give each request a key of its own, and a repeat the same body",
        )


class SeveralFaults(InvalidInput):
    """More than one thing to mend, all told at once."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(each.message for each in issues))
        self._issues = tuple(issues)

    @property
    def issues(self) -> Sequence[Issue]:
        """Everything that is to be mended, in the order in which it was found."""
        return self._issues


class NotFound(CronicornError):
    """There is no such thing for this tenant; another tenant's is the same as none."""

    def __init__(self, kind: str, identity: object) -> None:
        super().__init__(f"there is no {kind} {identity}")
        self.kind = kind
        self.identity = identity


class NotAllowed(CronicornError):
    """The caller has proven who it is, and may not do this."""

    def __init__(self, needed: str) -> None:
        super().__init__(f"this needs the scope {needed}")
        self.needed = needed


class NeedsPerson(NotAllowed):
    """It is about an account, and the caller is no person who is signed in."""

    def __init__(self) -> None:
        CronicornError.__init__(self, "only a person who is signed in may do this")
        self.needed = "sign-in"


class SignInRefused(CronicornError):
    """The address, the password or the account is not right; which of them, nobody is told."""

    def __init__(self) -> None:
        super().__init__("the e-mail address or the password is not right")


class RefusedByRule(CronicornError):
    """It could be meant, and a rule of this installation forbids it."""


class LimitReached(RefusedByRule):
    """The tenant has as much of something as it may have."""

    def __init__(self, subject: str, *, limit: int) -> None:
        super().__init__(f"no more than {limit} {subject} are allowed")
        self.subject = subject
        self.limit = limit


class SetupLinkSpent(RefusedByRule):
    """A setup link that was used, has expired, or never was one."""

    def __init__(self) -> None:
        super().__init__("this setup link does not hold any more; a new start prints another")


class TooLarge(RefusedByRule):
    """More than can be taken at once."""


class TooManyRequests(RefusedByRule):
    """It was asked too often."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("this was asked too often")
        self.retry_after = retry_after


class Conflict(CronicornError):
    """What stands already does not go with what was asked."""


class NameTaken(Conflict):
    """A job of the tenant, or an endpoint of the job, has this name already."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"the {kind} name {name!r} is in use")
        self.kind = kind
        self.name = name


class KeyTaken(Conflict):
    """A job of the tenant, or an endpoint of the job, has this external key already."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"the external key {key!r} is another {kind}'s")
        self.kind = kind
        self.key = key


class SecretTaken(Conflict):
    """An API key has this secret already; whose it is, is not told."""

    def __init__(self) -> None:
        super().__init__("an API key has this secret already")


class EmailTaken(Conflict):
    """A person of this installation has this e-mail address already."""

    def __init__(self, email: str) -> None:
        super().__init__(f"the e-mail address {email} is in use")
        self.email = email


class AlreadyFounded(Conflict):
    """The installation has its owner, and is not set up once more."""

    def __init__(self) -> None:
        super().__init__("this installation is set up already")


class SigningKeyPresent(Conflict):
    """The tenant has a signing key already."""

    def __init__(self) -> None:
        super().__init__("there is a signing key already: rotate it to have another")


class ChangedMeanwhile(Conflict):
    """Somebody has changed it since the caller saw it; nothing was overwritten."""

    def __init__(self, kind: str, identity: object) -> None:
        super().__init__(f"{kind} {identity} was changed meanwhile")
        self.kind = kind
        self.identity = identity


class StillUnderWay(Conflict):
    """The same request, by its idempotency key, is being done at this moment."""

    def __init__(self) -> None:
        super().__init__("this request is still under way: ask again for its answer")


class AnswerNotKept(Conflict):
    """A request was done; its answer showed a secret that nothing here may keep."""

    def __init__(self) -> None:
        super().__init__("this was done already, and what it showed is shown once")


class ForbiddenTransition(Conflict):
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


class NoSecretKey(SecretsUnavailable):
    """There is no key to encrypt with, so that no secret is kept; the message names the remedy."""

"""Every error there is, made and answered: the type tells the status, and no inside comes out."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from cronicorn_api.application import application
from cronicorn_api.envelope import Envelope
from cronicorn_api.log import Log
from cronicorn_api.wire.errors import DOCUMENTED
from cronicorn_domain import errors
from cronicorn_domain.identity import Token, new_uuid
from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_management.desk import Desk
from cronicorn_management.throttle import Throttle

SECRET = "a value that only the inside knows"
ISSUE = errors.Issue(path="name", message="give one", code="missing")

MADE = [
    (errors.InvalidInput("no", field="name"), 422, "invalid_input"),
    (errors.InvalidSchedule("no", field="baselineCron"), 422, "invalid_input"),
    (errors.RefusedUrl("no", field="url"), 422, "invalid_input"),
    (errors.InvalidExpression("no", field="when"), 422, "invalid_input"),
    (errors.KeyOfAnother(), 422, "invalid_input"),
    (errors.SeveralFaults([ISSUE, ISSUE]), 422, "invalid_input"),
    (errors.NotFound("job", "x"), 404, "not_found"),
    (errors.NotAllowed("admin"), 403, "not_allowed"),
    (errors.NeedsPerson(), 403, "not_allowed"),
    (errors.SignInRefused(), 401, "invalid_email_or_password"),
    (errors.RefusedByRule("no"), 400, "refused_by_rule"),
    (errors.LimitReached("endpoints", limit=5), 400, "limit_reached"),
    (errors.SetupLinkSpent(), 400, "setup_link_spent"),
    (errors.TooLarge("too much"), 413, "too_large"),
    (errors.TooManyRequests(timedelta(seconds=1.2)), 429, "too_many_requests"),
    (errors.Conflict("no"), 409, "conflict"),
    (errors.NameTaken("job", "shop"), 409, "name_taken"),
    (errors.KeyTaken("job", "k"), 409, "key_taken"),
    (errors.SecretTaken(), 409, "secret_taken"),
    (errors.SigningKeyPresent(), 409, "signing_key_present"),
    (errors.EmailTaken("ada@example.org"), 409, "email_taken"),
    (errors.AlreadyFounded(), 409, "already_founded"),
    (errors.ForbiddenTransition("job", 1, state="x", verb="go"), 409, "forbidden_transition"),
    (errors.ChangedMeanwhile("job", 1), 409, "changed_meanwhile"),
    (errors.StillUnderWay(), 409, "still_under_way"),
    (errors.AnswerNotKept(), 409, "answer_not_kept"),
    (errors.CronicornError(SECRET), 500, "internal"),
    (errors.LeaseLost(Token(1)), 500, "internal"),
    (errors.StoreError(SECRET), 500, "internal"),
    (errors.StoreUnavailable(SECRET), 503, "unavailable"),
    (errors.StoreRefused(SECRET), 500, "internal"),
    (errors.SchemaMismatch(SECRET, found=None, expected="0001"), 500, "internal"),
    (errors.UnreadableRow("endpoint x", SECRET), 409, "unreadable"),
    (errors.SecretsUnavailable(SECRET), 409, "secrets_unavailable"),
    (errors.NoSecretKey("there is no key: make one"), 409, "no_secret_key"),
    (ValueError(SECRET), 500, "internal"),
]
"""An error of each type, and how it is answered."""


class Failing:
    """Units of work that fail as soon as they begin."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Fail."""
        raise self._error
        yield

    @asynccontextmanager
    async def begin_reading(self) -> AsyncIterator[UnitOfWork]:
        """Fail, too."""
        raise self._error
        yield


class Stopped:
    """A clock that stands."""

    def now(self):
        """Tell the time."""
        return EPOCH


class Unlimited:
    """Rate limits that nobody reaches."""

    async def take(self, _: str, rate: Rate, *, now: datetime, wanted: int = 1) -> Taken:
        """Grant it."""
        return Taken(granted=wanted, left=rate.count, full_at=now, next_at=now)

    async def forget(self, *, now: datetime) -> int:
        """Have nothing to forget."""
        return 0


APPLICATION = application(desk=None)  # type: ignore[arg-type]


async def answered(error: Exception, path: str) -> httpx.Response:
    """Ask an application whose store answers with an error."""
    desk = Desk(
        units=Failing(error),
        clock=Stopped(),  # type: ignore[arg-type]
        rules=None,  # type: ignore[arg-type]
        throttle=Throttle(Unlimited(), Stopped()),  # type: ignore[arg-type]
    )
    APPLICATION.state.desk = desk
    transport = httpx.ASGITransport(Envelope(APPLICATION, Log("error")))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.get(path, headers={"x-api-key": str(new_uuid())})


def every_error(root: type[Exception] = errors.CronicornError) -> Iterator[type[Exception]]:
    """Name a type of errors and all below it."""
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from every_error(each)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    MADE,
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_the_type_of_an_error_tells_its_status(capsys, error, status, code) -> None:
    """Nothing transient is 401, and nothing of the inside is told, nor logged; trap T38."""
    answer = await answered(error, "/api/jobs")

    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert SECRET not in answer.text + capsys.readouterr().out
    assert answer.headers["x-request-id"]
    assert (status in {429, 503}) == ("retry-after" in answer.headers)
    assert told.get("retryAfter") == (2 if status == 429 else None)


def test_no_error_is_forgotten() -> None:
    """
    Each type of the tree is made above, and each status that is documented comes of one.

    But for 408 and 415: a body that is too slow, or encoded, is no error of the domain; see
    ``test_protection`` and ``test_methods``.
    """
    assert {type(error) for error, _, _ in MADE} == {*every_error(), ValueError}
    assert {status for _, status, _ in MADE} | {408, 415} == DOCUMENTED.keys()


def test_every_route_documents_every_error() -> None:
    """Whatever is behind a credential says all that it may answer."""
    document = application(desk=None).openapi()  # type: ignore[arg-type]
    guarded = [
        operation
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation.get("security")
    ]

    assert guarded
    for operation in guarded:
        assert operation["responses"].keys() >= {str(status) for status in DOCUMENTED}


async def test_a_service_without_database_says_so(capsys) -> None:
    """It lives, is not ready, and its health is degraded."""
    error = errors.StoreUnavailable(SECRET)

    statuses = [
        (await answered(error, f"{base}/health{part}")).status_code
        for base in ("", "/api")
        for part in ("", "/live", "/ready")
    ]

    assert statuses == [503, 200, 503] * 2
    assert (await answered(error, "/health")).json()["db"] == "disconnected"

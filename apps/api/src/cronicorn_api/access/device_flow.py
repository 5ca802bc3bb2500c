"""Routes of the device flow (RFC 8628): a program asks, a person lets it in."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal, assert_never

from cronicorn_domain.model.device_grant import (
    DEVICE_GRANT_LASTS,
    POLL_INTERVAL,
    Approved,
    Denied,
    Pending,
    Standing,
)
from cronicorn_domain.model.sign_in import SIGN_IN_LASTS
from cronicorn_domain.policies.granting import Poll
from cronicorn_management.device_grants.asking import ask_for_grant
from cronicorn_management.device_grants.deciding import (
    approve_device,
    deciding,
    deny_device,
    find_grant,
)
from cronicorn_management.device_grants.polling import poll_grant
from cronicorn_management.sign_ins.beginning import SignedIn
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cronicorn_api.access.desks import TheCaller, TheDesk, TheSite
from cronicorn_api.access.keys import Done
from cronicorn_api.access.rates import address_of
from cronicorn_api.wire.errors import ErrorBody, TooManyBody, ValidationBody, invalid
from cronicorn_api.wire.form_bodies import FormRoute
from cronicorn_api.wire.refusing import issues_of
from cronicorn_api.wire.values import ShownOnce, Wire


class _ProgramRoute(FormRoute):
    """A route for programs of RFC 8628: they send forms, and read ``invalid_request`` in a 400."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_program(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                return _invalid_request(error)

        return answer_program


public: Final = APIRouter(prefix="/auth/device", tags=["devices"], route_class=_ProgramRoute)
"""What needs no credential."""
router: Final = APIRouter(prefix="/auth/device", tags=["devices"])
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_REASONS: Final = {
    Poll.PENDING: "nobody has decided yet; ask again",
    Poll.SLOW_DOWN: "this is asked too often; wait five seconds longer from now on",
    Poll.EXPIRED: "nobody has decided in time; begin anew",
    Poll.DENIED: "a person has refused",
    Poll.UNKNOWN: "there is no such code for this client, or it was used",
}
_Text = Annotated[str, Field(max_length=1000)]


class _Snake(BaseModel):
    """A shape whose members the standard names; unknown ones that come in are let be."""

    model_config = ConfigDict(extra="ignore")


class DeviceGiven(_Snake):
    """A program that asks to be let in; ``scope`` is of read, write and admin, with blanks."""

    client_id: _Text
    scope: _Text | None = None


class CodesBody(_Snake):
    """The codes, which are told this once, and where a person goes with theirs."""

    device_code: ShownOnce
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class TokenAsked(_Snake):
    """A program that asks whether it was let in; ``grant_type`` is that of RFC 8628."""

    grant_type: Annotated[_Text, Field(description=GRANT_TYPE)]
    device_code: _Text
    client_id: _Text


class TokenBody(_Snake):
    """The token, which is shown this once."""

    access_token: ShownOnce
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the kind of token, and none
    expires_in: int
    scope: str


class NoTokenBody(ErrorBody):
    """Why there is no token; ``error`` is as RFC 8628 names it."""

    error_description: Annotated[str, Field(alias="error_description")]


class InvalidRequestBody(ValidationBody):
    """What was sent says too little, or nothing that can be meant: RFC 6749 §5.2."""

    error_description: Annotated[str, Field(alias="error_description")]


_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": InvalidRequestBody | ErrorBody},
    413: {"model": ErrorBody},
    415: {"model": ErrorBody},
    429: {"model": TooManyBody},
    "default": {"model": ErrorBody},
}
"""With a default the framework adds no 422, which is not answered here."""


class CodeBody(_Snake):
    """Of a code that somebody typed, what was decided about it, if anything was."""

    user_code: str
    status: Literal["pending", "approved", "denied"]


class CodeGiven(Wire):
    """The code that a person typed."""

    user_code: Annotated[str, Field(max_length=1000)]


@public.post(
    "/code",
    operation_id="askForDevice",
    responses=_REFUSALS,
)
async def ask(request: Request, desk: TheDesk, site: TheSite, given: DeviceGiven) -> CodesBody:
    """
    Ask to be let in; a person goes to the address within half an hour.

    The body may also be `application/x-www-form-urlencoded`, as RFC 8628 has it.
    """
    asked = await ask_for_grant(
        desk, client=given.client_id, scope=given.scope, address=address_of(request.scope)
    )
    page = f"{site.origin(request)}/device/approve"
    return CodesBody(
        device_code=asked.device_code,
        user_code=asked.user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?user_code={asked.user_code}",
        expires_in=int(DEVICE_GRANT_LASTS.total_seconds()),
        interval=int(POLL_INTERVAL.total_seconds()),
    )


@public.post(
    "/token",
    operation_id="askForDeviceToken",
    response_model=TokenBody,
    responses={**_REFUSALS, 400: {"model": InvalidRequestBody | NoTokenBody | ErrorBody}},
)
async def token(desk: TheDesk, given: TokenAsked) -> Response:
    """
    Ask whether one was let in; 400 tells why not, or that it is not decided yet.

    The body may also be `application/x-www-form-urlencoded`, as RFC 8628 has it.
    """
    if given.grant_type != GRANT_TYPE:
        return _no_token("unsupported_grant_type", f"grant_type has to be {GRANT_TYPE}")
    answer = await poll_grant(desk, given.device_code, client=given.client_id)
    if isinstance(answer, SignedIn):
        granted = TokenBody(
            access_token=answer.token,
            expires_in=int(SIGN_IN_LASTS.total_seconds()),
            scope=" ".join(sorted(answer.sign_in.scopes)),
        )
        return JSONResponse(granted.model_dump())
    return _no_token(answer, _REASONS[answer])


@router.get("", operation_id="readDeviceCode")
async def read(
    desk: TheDesk, caller: TheCaller, user_code: Annotated[str, Query(max_length=1000)]
) -> CodeBody:
    """Tell whether a code waits for a decision; 404 when it does not hold."""
    async with deciding(desk, caller) as work:
        grant = await find_grant(work, user_code)
    return CodeBody(user_code=user_code, status=_decided(grant.standing))


@router.post("/approve", operation_id="approveDevice")
async def approve(desk: TheDesk, caller: TheCaller, given: CodeGiven) -> Done:
    """Let a device in, as oneself."""
    async with deciding(desk, caller) as work:
        await approve_device(work, given.user_code)
    return Done()


@router.post("/deny", operation_id="denyDevice")
async def deny(desk: TheDesk, caller: TheCaller, given: CodeGiven) -> Done:
    """Send a device away."""
    async with deciding(desk, caller) as work:
        await deny_device(work, given.user_code)
    return Done()


def _decided(standing: Standing) -> Literal["pending", "approved", "denied"]:
    match standing:
        case Pending():
            return "pending"
        case Approved():
            return "approved"
        case Denied():
            return "denied"
        case _:
            assert_never(standing)


def _no_token(error: str, reason: str) -> Response:
    refused = NoTokenBody(
        error=error, message=reason, status=400, code=error, error_description=reason
    )
    return JSONResponse(refused.model_dump(by_alias=True), status_code=400)


def _invalid_request(error: RequestValidationError) -> Response:
    found = invalid(issues_of(error)).body
    kind = "invalid_request"
    told = {"error": kind, "code": kind, "status": 400, "error_description": found.message}
    refused = InvalidRequestBody.model_validate(found.model_dump() | told)
    return JSONResponse(refused.model_dump(by_alias=True), status_code=400)

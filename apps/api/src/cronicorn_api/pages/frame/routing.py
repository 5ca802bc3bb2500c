"""Routes of pages: what they refuse is told as a page, and who is not signed in signs in first."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from cronicorn_domain.errors import CronicornError
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from cronicorn_api.access.sign_in import is_local
from cronicorn_api.pages.frame.told import FAULT_OF_OURS, Problem, problem_of
from cronicorn_api.pages.frame.writing import is_fetched, page, sheet_of
from cronicorn_api.wire.errors import CrossSite

_SEE_OTHER: Final = 303
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SignInNeeded(Exception):
    """Nobody is signed in."""


class PageRoute(APIRoute):
    """A route of which people see the answers."""

    def get_route_handler(self) -> _Handler:
        """Return what answers a request, whatever it raises."""
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInNeeded:
                return _sign_in_first(request)
            except CrossSite:
                return problem(request, _FOREIGN)
            except RequestValidationError:
                return problem(request, _UNCLEAR)
            except CronicornError as error:
                told = problem_of(error)
                if told.status >= 500 and told.status != 503:  # noqa: PLR2004
                    raise
                return problem(request, told)

        return handled


def pages_router() -> APIRouter:
    """Make a router of pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def tell_in_pages(app: FastAPI) -> None:
    """Have an application tell people in pages what programs are told in JSON: nothing is there."""
    otherwise = dict(app.exception_handlers)

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        if error.status_code == _NOWHERE.status and _is_for_people(request):
            return problem(request, _NOWHERE)
        return await _answered(otherwise[HTTPException](request, error))

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> Response:
        if _is_for_people(request):
            return problem(request, FAULT_OF_OURS)
        return await _answered(otherwise[Exception](request, error))


async def _answered(answer: Response | Awaitable[Response]) -> Response:
    return answer if isinstance(answer, Response) else await answer


def _is_for_people(request: Request) -> bool:
    wants = "text/html" in request.headers.get("accept", "")
    return wants and not request.url.path.startswith("/api/")


def problem(request: Request, told: Problem) -> Response:
    """Answer with a page that says why there is none."""
    return page(request, "frame/problem", status=told.status, problem=told)


def sign_in_path(further: str) -> str:
    """Give the path of the page where one signs in and then goes on."""
    return f"/sign-in?{urlencode({'next': further})}"


def _sign_in_first(request: Request) -> Response:
    if is_fetched(request):
        return HTMLResponse("Sign in again.\n", 401)
    here = sheet_of(request).here
    if request.method not in {"GET", "HEAD"}:
        # The form is not sent again by itself: its page is shown, and it is said there.
        here = urlsplit(request.headers.get("referer", "/"))._replace(scheme="", netloc="").geturl()
    return RedirectResponse(sign_in_path(here if is_local(here) else "/"), _SEE_OTHER)


_FOREIGN: Final = Problem(
    status=403,
    title="This did not come from here",
    text="Another site's page has sent this, or your browser does not say which has. Nothing was"
    " changed. Go back, load the page again, and try once more.",
)
_NOWHERE: Final = Problem(
    status=404,
    title="There is no such page",
    text="The address may be misspelt, or what it showed may have gone.",
)
_UNCLEAR: Final = Problem(
    status=422,
    title="This address makes no sense",
    text="Something in it is not possible: a number that is none, or an instant that is none.",
)

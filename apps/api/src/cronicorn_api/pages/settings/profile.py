"""Who is signed in, and their password."""

from typing import Final

from cronicorn_domain.errors import CronicornError, InvalidInput, TooManyRequests
from cronicorn_domain.model.person import PASSWORD_LENGTH_LEAST
from cronicorn_management.people.changing_password import change_password
from fastapi import Response

from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of, wait_in_words
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/profile"


@router.get(_HERE)
async def profile(viewer: TheViewer) -> Response:
    """Tell who is signed in."""
    return _page(viewer, NO_FAULTS)


@router.post(f"{_HERE}/password")
async def new_password(viewer: TheViewer, form: Form) -> Response:
    """Change the password."""
    current, new = form.get("current", ""), form.get("new", "")
    if form.get("again", "") != new:
        differs = Fault(field="again", message="This is not the same. Type the new one twice.")
        return _page(viewer, Faults((differs,)), status=422)
    try:
        await change_password(viewer.desk, viewer.caller, current=current, new=new)
    except (InvalidInput, TooManyRequests) as refusal:
        return _page(viewer, _told(refusal), status=422)
    return viewer.back(_HERE, "Your password is changed. Everywhere else you are signed out.")


def _told(refusal: CronicornError) -> Faults:
    match refusal:
        case TooManyRequests():
            return Faults((Fault(field="current", message=wait_in_words(refusal)),))
        case _:
            return faults_of(refusal, {"password": "new"})


def _page(viewer: Viewer, faults: Faults, *, status: int = 200) -> Response:
    person = viewer.person
    return viewer.page(
        "settings/profile",
        status=status,
        tabs=tabs_at(_HERE),
        faults=faults,
        least=PASSWORD_LENGTH_LEAST,
        scopes=", ".join(sorted(person.scopes)),
        since=viewer.zones.moment(person.created_at),
    )

"""The key that requests are signed with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput, SecretsUnavailable
from cronicorn_domain.model.signing import KeyCard, SigningKey
from cronicorn_management.signing.making import make_signing_key
from cronicorn_management.signing.reading import read_signing_key
from cronicorn_management.signing.rotating import rotate_signing_key
from fastapi import Response

from cronicorn_api.pages.frame.forms import Form
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/signing"
OVERLAPS: Final = (
    ("0", "Not at all"),
    ("1", "1 hour"),
    ("24", "1 day"),
    ("168", "7 days"),
    ("720", "30 days"),
)
_USUAL: Final = "24"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """What may be read of the key."""

    begins: str
    created: Moment
    rotated: Moment | None
    previous_until: Moment | None


def card_view(card: KeyCard | None, zones: Zones) -> CardView | None:
    """Show a key, if there is one."""
    if card is None:
        return None
    until = card.previous_until
    return CardView(
        begins=card.prefix,
        created=zones.moment(card.created_at),
        rotated=zones.moment_if_any(card.rotated_at),
        previous_until=zones.moment(until) if until is not None and until > zones.now else None,
    )


@router.get(_HERE)
async def signing(viewer: TheViewer) -> Response:
    """Tell whether there is a key, and how it begins."""
    return await _page(viewer)


@router.post(_HERE)
async def make(viewer: TheViewer, form: Form) -> Response:
    """Make the first key, and show it this once."""
    del form
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            key = await make_signing_key(work)
    except SecretsUnavailable:
        return await _page(viewer, faults=_NO_SECRETS, status=503)
    return await _page(viewer, key=key)


@router.post(f"{_HERE}/rotate")
async def rotate(viewer: TheViewer, form: Form) -> Response:
    """Put a new key before the one so far, and show it this once."""
    given = form.get("overlap", _USUAL)
    overlap = timedelta(hours=int(given)) if given in dict(OVERLAPS) else timedelta(hours=24)
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            key = await rotate_signing_key(work, overlap=overlap)
    except InvalidInput as refusal:
        return await _page(viewer, faults=faults_of(refusal), status=422)
    except SecretsUnavailable:
        return await _page(viewer, faults=_NO_SECRETS, status=503)
    return await _page(viewer, key=key)


_NO_SECRETS: Final = Faults(
    (
        Fault(
            field="",
            message="Secrets cannot be kept encrypted here: whoever runs this installation has to"
            " set CRONICORN_SECRET_KEY. Nothing was changed.",
        ),
    )
)


async def _page(
    viewer: Viewer,
    *,
    key: SigningKey | None = None,
    faults: Faults = NO_FAULTS,
    status: int = 200,
) -> Response:
    async with viewer.desk.reading(viewer.caller) as work:
        card = await read_signing_key(work)
    return viewer.page(
        "settings/signing",
        status=status,
        tabs=tabs_at(_HERE),
        card=card_view(card, viewer.zones),
        key=key,
        faults=faults,
        overlaps=OVERLAPS,
        usual=_USUAL,
    )

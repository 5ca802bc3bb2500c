"""Decides whether a run's request is signed, by which schemes and with which keys."""

from datetime import UTC, datetime
from typing import assert_never

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.signing import NoKeys, Scheme, Signatory, Signing, TenantKeys

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STANDARD = frozenset({Scheme.STANDARD})
_OLDER = frozenset({Scheme.OLDER})
_BOTH = frozenset(Scheme)
_NONE = NoKeys(
    reason="it is to be signed, and the tenant has no signing key: make one with"
    " POST /api/signing-keys, or set signing to when_keyed or off"
)


def message_id_of(endpoint_id: EndpointId, slot: datetime) -> str:
    """Return what receivers know a fire time by, whatever the attempt; it has no full stop."""
    return f"{endpoint_id}:{(slot - _UNIX_EPOCH) // MILLISECOND}"


def signatory_for(
    wanted: Signing,
    keys: TenantKeys | NoKeys | None,
    *,
    endpoint_id: EndpointId,
    slot: datetime,
    now: datetime,
) -> Signatory | NoKeys | None:
    """
    Return who signs an endpoint's request for a slot; None: it goes out unsigned, and may.

    ``keys`` are the tenant's: None if it has none, `NoKeys` if it may have some that are out of
    reach. Then nothing may go out, unless it was to be unsigned whatever there is.
    """
    if wanted is Signing.OFF or (wanted is Signing.WHEN_KEYED and keys is None):
        return None
    if not isinstance(keys, TenantKeys):
        return keys or _NONE
    return Signatory(
        schemes=_schemes(wanted),
        keys=keys.valid_at(now),
        message_id=message_id_of(endpoint_id, slot),
        at=now,
    )


def _schemes(wanted: Signing) -> frozenset[Scheme]:
    match wanted:
        case Signing.WHEN_KEYED | Signing.STANDARD:
            return _STANDARD
        case Signing.OLDER:
            return _OLDER
        case Signing.BOTH:
            return _BOTH
        case Signing.OFF:
            return frozenset()
        case _:
            assert_never(wanted)

"""Put a new key before the one that a tenant's requests are signed with."""

from datetime import timedelta

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.signing import OVERLAP, OVERLAP_MOST, SigningKey
from cronicorn_domain.wording import length_in_words

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note
from cronicorn_management.signing.making import new_signing_key


async def rotate_signing_key(work: Changing, *, overlap: timedelta = OVERLAP) -> SigningKey:
    """
    Make the new key, and return it: this once it is seen whole.

    The one so far goes on signing beside it for ``overlap``; none ends it at once.

    Raises:
        NotAllowed: the caller is no administrator.
        NotFound: there is none to be rotated.
        InvalidInput: no overlap can be that long.
        SecretsUnavailable: it cannot be kept encrypted.
    """
    work.caller.check(Scope.ADMIN)
    if not NO_TIME <= overlap <= OVERLAP_MOST:
        raise InvalidInput(
            f"an overlap of {length_in_words(overlap)} is not possible",
            field="overlap",
            remedy=f"give a length from 0s to {length_in_words(OVERLAP_MOST)}",
        )
    key = new_signing_key()
    before = await work.signing_keys.rotate(work.tenant, key, now=work.now, overlap=overlap)
    changes = [FieldChange(field="key", before=before.prefix, after=key.prefix)]
    await note(work, Deed.ROTATE, before, changes)
    return key

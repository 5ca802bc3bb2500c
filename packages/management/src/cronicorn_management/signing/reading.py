"""Read what may be read of the key that a tenant's requests are signed with."""

from cronicorn_domain.model.signing import KeyCard

from cronicorn_management.desk import Reading


async def read_signing_key(work: Reading) -> KeyCard | None:
    """Return how it begins and since when there is one; None if there is none."""
    return await work.signing_keys.card(work.tenant)

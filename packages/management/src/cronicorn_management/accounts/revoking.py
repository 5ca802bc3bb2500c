"""Revoke an API key."""

from cronicorn_domain.identity import ApiKeyId
from cronicorn_domain.model.api_key import Scope

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def revoke_key(work: Changing, key_id: ApiKeyId) -> None:
    """End a key for good. Raises ``NotAllowed``, ``NotFound``."""
    work.caller.check(Scope.ADMIN)
    key = await work.keys.revoke(work.tenant, key_id, now=work.now)
    await note(work, Deed.REVOKE, key)

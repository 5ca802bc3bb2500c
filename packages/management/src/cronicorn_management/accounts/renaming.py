"""Rename an API key."""

from dataclasses import replace

from cronicorn_domain.identity import ApiKeyId
from cronicorn_domain.model.api_key import ApiKey, Scope
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.job import check_name

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def rename_key(work: Changing, key_id: ApiKeyId, *, name: str) -> ApiKey:
    """
    Call a key otherwise, and return it as it is then; it proves what it proved.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``.
    """
    work.caller.check(Scope.ADMIN)
    check_name(name)
    before = await work.keys.rename(work.tenant, key_id, name=name)
    after = replace(before, name=name)
    if name != before.name:
        change = FieldChange(field="name", before=before.name, after=name)
        await note(work, Deed.CHANGE, after, [change])
    return after

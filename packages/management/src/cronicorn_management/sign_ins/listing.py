"""List sign-ins."""

from cronicorn_domain.identity import SignInId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.sign_in import SignIn

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def list_sign_ins(
    work: Reading, *, limit: int = PAGE_USUAL, after: SignInId | None = None
) -> Page[SignIn]:
    """
    Return where a person is signed in, the oldest first; for an administrator's key, where all are.

    Raises ``NotAllowed``.
    """
    caller = work.caller
    if caller.sign_in is None:
        caller.check(Scope.ADMIN)
    found = await work.sign_ins.list_sign_ins(
        work.tenant,
        now=work.now,
        person=None if caller.sign_in is None else caller.person,
        limit=check_limit(limit),
        after=after,
    )
    return page_of(found, limit)

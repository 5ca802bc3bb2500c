"""One transaction over the stores: the caller commits or rolls back."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cronicorn_domain.ports.alert_book import AlertBook
from cronicorn_domain.ports.analyses import Analyses
from cronicorn_domain.ports.answer_book import AnswerBook
from cronicorn_domain.ports.api_keys import ApiKeys
from cronicorn_domain.ports.audit_log import AuditLog
from cronicorn_domain.ports.board import Board
from cronicorn_domain.ports.chronicle import Chronicle
from cronicorn_domain.ports.device_grants import DeviceGrants
from cronicorn_domain.ports.hint_book import HintBook
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.ports.overview import Overview
from cronicorn_domain.ports.people import People
from cronicorn_domain.ports.run_log import RunLog
from cronicorn_domain.ports.session_log import SessionLog
from cronicorn_domain.ports.setup_links import SetupLinks
from cronicorn_domain.ports.sign_ins import SignIns
from cronicorn_domain.ports.signing_keys import SigningKeys


class UnitOfWork(Protocol):
    """
    The stores within one transaction.

    Promises:

    - Nothing is seen by others before ``commit``, and all of it at once after it.
    - Leaving the block without ``commit``, or by an exception, leaves nothing behind.
    - After ``commit`` or ``rollback`` the unit is over; using its stores is an error.
    """

    @property
    def catalog(self) -> JobCatalog:
        """Jobs and endpoints."""
        ...

    @property
    def hints(self) -> HintBook:
        """Hints and triggers."""
        ...

    @property
    def runs(self) -> RunLog:
        """The history."""
        ...

    @property
    def overview(self) -> Overview:
        """All runs of a tenant, from above."""
        ...

    @property
    def board(self) -> Board:
        """Where a tenant's endpoints stand."""

    @property
    def chronicle(self) -> Chronicle:
        """One endpoint's past, as it is drawn."""
        ...

    @property
    def audit(self) -> AuditLog:
        """Who did what."""
        ...

    @property
    def keys(self) -> ApiKeys:
        """The keys of programs."""
        ...

    @property
    def people(self) -> People:
        """Who may sign in."""
        ...

    @property
    def sign_ins(self) -> SignIns:
        """Who is signed in, and where."""
        ...

    @property
    def device_grants(self) -> DeviceGrants:
        """The devices that wait for somebody to let them in."""
        ...

    @property
    def setup_links(self) -> SetupLinks:
        """The links by which an installation gets its owner."""
        ...

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that requests are signed with."""
        ...

    @property
    def alerts(self) -> AlertBook:
        """Of what people want to be told."""
        ...

    @property
    def answers(self) -> AnswerBook:
        """What is kept for whoever asks again."""
        ...

    @property
    def analyses(self) -> Analyses:
        """Which endpoints the AI planner looks at next."""
        ...

    @property
    def sessions(self) -> SessionLog:
        """What the AI planner has made of endpoints."""
        ...

    async def commit(self) -> None:
        """Make everything lasting, and wake the workers when something became due earlier."""
        ...

    async def rollback(self) -> None:
        """Undo everything; harmless when there is nothing to undo."""
        ...


class UnitsOfWork(Protocol):
    """Begins units of work."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """
        Begin one; it ends with the block.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        ...

    def begin_reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """
        Begin one in which nothing is written; it ends with the block, and costs less.

        Each read sees what is committed by then, as in any unit before its first write. A write is
        ``RuntimeError``.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        ...

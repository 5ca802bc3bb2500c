"""The API over real HTTP: one server for each kind of database, and a tenant for each test."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.testing.databases import migrated_postgres, sqlite_url
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_api.access.rates import PER_ADDRESS
from cronicorn_api.access.site import Site
from cronicorn_api.application import application
from cronicorn_api.composition import Choices, open_desk
from cronicorn_api.envelope import Envelope
from cronicorn_api.log import Log
from cronicorn_api.serving import Server, configured
from cronicorn_domain.identity import PersonId, TenantId, WorkerId, new_uuid
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.rate import Rate
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.session import Session, Suggestion
from cronicorn_domain.testing.builders import a_settlement
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Desk
from cronicorn_management.people.adding import add_person
from cronicorn_management.people.disabling import disable_person
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates

PATIENCE = 60.0
OURS = {"sec-fetch-site": "same-origin"}
"""What a browser says of a request that a page of the same origin makes."""
SECRET_KEY = "S1iA0CVlGOv0tAt2cE2ThnK0Y4iF2UJcXWMrVvQZt0E="


_NO_LIMIT = Rate(count=100_000, per=timedelta(hours=1))
OFTEN = replace(SIGN_IN_RATES, per_address=_NO_LIMIT, devices_per_address=_NO_LIMIT)
"""All tests come from one address, and sign in more often than people do."""


class Service:
    """A server in a thread of its own, on a free port."""

    def __init__(
        self,
        database: str,
        site: Site | None = None,
        *,
        allowance: Allowance = SELF_HOSTED,
        per_address: Rate = PER_ADDRESS,
        allowed: Sequence[str] = (),
        sign_in_rates: SignInRates = OFTEN,
        trusted: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._site = site or Site()
        self._allowance = allowance
        self._per_address = per_address
        self._allowed = allowed
        self._sign_in_rates = sign_in_rates
        self._trusted = trusted
        self._begun: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._begun.result(PATIENCE)

    async def _serve(self) -> None:
        try:
            with socket.socket() as listening:
                listening.bind(("127.0.0.1", 0))
                self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
                chosen = Choices(
                    allowance=self._allowance,
                    allowed=self._allowed,
                    sign_in_rates=self._sign_in_rates,
                )
                async with open_desk(self._database, SECRET_KEY, chosen) as desk:
                    self._loop, self._desk = asyncio.get_running_loop(), desk
                    app = application(desk, self._site, per_address=self._per_address)
                    envelope = Envelope(app, Log("error"), secure=self._site.speaks_tls)
                    config = configured(envelope, trusted=self._trusted)
                    self._server = Server(config, app.state.watch.close)
                    listening.listen()
                    self._begun.set_result(None)
                    await self._server.serve(sockets=[listening])
        except BaseException as fault:
            if not self._begun.done():
                self._begun.set_exception(fault)
            raise

    def key(self, tenant: TenantId, scopes=EVERY_SCOPE, **more) -> str:
        """Issue a key for a tenant."""
        caller = Caller(tenant=tenant, kind=CallerKind.SETUP, name="tests", scopes=EVERY_SCOPE)
        issuing = _issue(self._desk, caller, scopes, more)
        return asyncio.run_coroutine_threadsafe(issuing, self._loop).result(PATIENCE)

    def person(self, tenant: TenantId, email: str, *, password: str, scopes=EVERY_SCOPE) -> str:
        """Add somebody to a tenant, and give their id."""
        caller = Caller(tenant=tenant, kind=CallerKind.SETUP, name="tests", scopes=EVERY_SCOPE)
        adding = add_person(self._desk, caller, email=email, password=password, scopes=scopes)
        added = asyncio.run_coroutine_threadsafe(adding, self._loop).result(PATIENCE)
        return str(added.id)

    def disable(self, tenant: TenantId, person: str) -> None:
        """Disable somebody."""
        caller = Caller(tenant=tenant, kind=CallerKind.SETUP, name="tests", scopes=EVERY_SCOPE)
        disabling = _disable(self._desk, caller, PersonId(UUID(person)))
        asyncio.run_coroutine_threadsafe(disabling, self._loop).result(PATIENCE)

    def run_due(self, outcome: Outcome | None, *, lasts: timedelta = timedelta(seconds=1)) -> None:
        """Claim and start what is due, whoever it is of; without an outcome it stays under way."""
        working = _run_due(self._database, outcome, lasts)
        asyncio.run_coroutine_threadsafe(working, self._loop).result(PATIENCE)

    def keep_session(self, session: Session, *suggestions: Suggestion) -> None:
        """Keep what a model has made of an endpoint."""
        keeping = _keep_session(self._desk, session, suggestions)
        asyncio.run_coroutine_threadsafe(keeping, self._loop).result(PATIENCE)

    def a_tenant(self) -> TenantId:
        """Give a tenant that nobody has heard of."""
        return TenantId(new_uuid())

    def client(self, key: str | None = None, *, address: str = "127.0.0.1") -> "Client":
        """Give a client that has the key; without one, of a tenant that nobody has heard of."""
        return Client(self, key or self.key(self.a_tenant()), address)

    def ask_to_stop(self) -> None:
        """Have it finish."""
        self._loop.call_soon_threadsafe(self._server.ask_to_stop)

    def stop(self) -> None:
        """Finish, and wait for that."""
        if self._thread.is_alive() and not self._server.should_exit:
            self.ask_to_stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


async def _run_due(url: str, outcome: Outcome | None, lasts: timedelta) -> None:
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=SECRET_KEY)
    async with open_store(database, vault=vault) as store:
        now = (await DatabaseClock.synchronized(store.engine)).now()
        queue, worker = store.queue, WorkerId("tests")
        batch = await queue.claim(worker=worker, limit=100, lease_for=timedelta(hours=1), now=now)
        tokens = [run.lease.token for run in batch.runs]
        await queue.start(tokens, now=now)
        if outcome is not None:
            # As if it had begun before it was due: the next one need not wait for the floor then.
            ended = [
                a_settlement(token, started_at=now - lasts, ended_at=now, outcome=outcome)
                for token in tokens
            ]
            await queue.settle(ended, now=now)


async def _issue(desk: Desk, caller: Caller, scopes, more) -> str:
    async with desk.changing(caller) as work:
        return (await issue_key(work, name="tests", scopes=scopes, **more)).secret


async def _keep_session(desk: Desk, session: Session, suggestions: Sequence[Suggestion]) -> None:
    async with desk.units.begin() as unit:
        await unit.sessions.append(session, suggestions)
        await unit.commit()


async def _disable(desk: Desk, caller: Caller, person: PersonId) -> None:
    async with desk.changing(caller) as work:
        await disable_person(work, person)


class Client(httpx.Client):
    """Asks as one tenant, as a program that has a key does."""

    def __init__(self, service: Service, key: str | None, address: str = "127.0.0.1") -> None:
        self._service = service
        # `verify` is about TLS, which there is none of: its context would cost more than a request.
        super().__init__(
            base_url=service.url,
            headers={} if key is None else {"x-api-key": key},
            timeout=PATIENCE,
            transport=httpx.HTTPTransport(verify=False, local_address=address),
        )

    def a_job(self, name: str = "shop") -> dict:
        """Create a job."""
        made: dict = self.post("/jobs", json={"name": name}).raise_for_status().json()
        return made

    def run_now(
        self, endpoint: dict, outcome: Outcome | None, *, lasts: timedelta = timedelta(seconds=1)
    ) -> None:
        """Have an endpoint run at once, with this outcome."""
        self.post(f"/endpoints/{endpoint['id']}/run").raise_for_status()
        self._service.run_due(outcome, lasts=lasts)

    def an_endpoint(self, job: dict | None = None, **members) -> dict:
        """Create an endpoint that runs every hour, in a new job unless one is given."""
        job = job or self.a_job()
        if not members.keys() & {"baselineCron", "runAt"}:
            members.setdefault("baselineIntervalMs", 3_600_000)
        given = {"name": "health", "url": "http://93.184.216.34/health", **members}
        answer = self.post(f"/jobs/{job['id']}/endpoints", json=given)
        assert answer.status_code == 201, answer.text
        made: dict = answer.json()
        return made


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of one kind of database, and then of the other."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("api"))
    else:
        with throwaway_postgres() as url, migrated_postgres(url) as database:
            yield database


@pytest.fixture(scope="session")
def service(database: str) -> Iterator[Service]:
    """Give the API over it."""
    with served(database) as service:
        yield service


@contextmanager
def served(database: str, site: Site | None = None, **options) -> Iterator[Service]:
    """Serve a database until the end of the block."""
    service = Service(database, site, **options)
    try:
        yield service
    finally:
        service.stop()


@dataclass
class Somebody:
    """A person of a tenant, and a browser without anything in it."""

    id: str
    email: str
    browser: Client
    password: str = "correct horse battery staple"

    def sign_in(self, password: str | None = None, **members):
        """Sign in, as the page of a browser does."""
        given = {"email": self.email, "password": password or self.password, **members}
        return self.browser.post("/auth/sign-in/email", json=given, headers=OURS)


@pytest.fixture
def somebody(service: Service, tenant: TenantId, browser: Client) -> Somebody:
    """Give somebody of the test's tenant, for all scopes."""
    email = f"{new_uuid()}@example.org"
    added = service.person(tenant, email, password=Somebody.password)
    return Somebody(added, email, browser)


@pytest.fixture
def browser(service: Service) -> Iterator[Client]:
    """Give a client without a key, that keeps cookies."""
    with Client(service, None) as browser:
        yield browser


@pytest.fixture(scope="session")
def behind_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give the API as it is behind what speaks TLS, with a friendly page elsewhere."""
    site = Site(public_url="https://cronicorn.example", friends=frozenset({"https://ops.example"}))
    with served(sqlite_url(tmp_path_factory.mktemp("tls")), site) as service:
        yield service


@pytest.fixture
def serve(database: str) -> Iterator[Callable[..., Service]]:
    """Give what serves the same database once more, in a way of its own."""
    with ExitStack() as opened:
        yield lambda **options: opened.enter_context(served(database, **options))


@pytest.fixture
def tenant() -> TenantId:
    """Give a tenant that nobody has heard of."""
    return TenantId(new_uuid())


@pytest.fixture
def client(service: Service, tenant: TenantId) -> Iterator[Client]:
    """Give a client of the tenant."""
    with Client(service, service.key(tenant)) as client:
        yield client


@pytest.fixture(scope="session")
def owner(service: Service) -> Iterator[Client]:
    """Give a client of a tenant that has what others must not see."""
    with Client(service, service.key(TenantId(new_uuid()))) as client:
        yield client


@pytest.fixture(scope="session")
def reader(service: Service) -> Iterator[Client]:
    """Give a client that may only read."""
    with Client(service, service.key(TenantId(new_uuid()), frozenset({Scope.READ}))) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(service: Service) -> Iterator[Client]:
    """Give a client of another tenant."""
    with Client(service, service.key(TenantId(new_uuid()))) as client:
        yield client


@pytest.fixture(scope="session")
def anyone(service: Service) -> Iterator[Client]:
    """Give a client without a key."""
    with Client(service, None) as client:
        yield client


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty current directory and an environment without any option of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("CRONICORN_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    return tmp_path

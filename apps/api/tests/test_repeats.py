"""A write that bears an ``Idempotency-Key`` is done once, however often it comes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.tables import kept_answers
from cronicorn_api.wire.values import SHOWN_ONCE, Wire
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.model.api_key import Scope
from sqlalchemy import select


@pytest.fixture
def bearing() -> dict[str, str]:
    """Give a header with a key that nobody has used."""
    return {"Idempotency-Key": str(new_uuid())}


def test_a_repeat_gets_the_first_answer(client, bearing) -> None:
    """To the letter, marked as one, also after what it made has changed."""
    first = client.post("/jobs", json={"name": "shop"}, headers=bearing)
    client.patch(f"/jobs/{first.json()['id']}", json={"name": "other"})

    again = client.post("/jobs", json={"name": "shop"}, headers=bearing)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(client.get("/jobs").json()["jobs"]) == 1


def test_an_answer_without_a_body_is_repeated_too(client, bearing) -> None:
    """A hint that is offered twice is one."""
    endpoint = client.an_endpoint()
    path, hint = f"/endpoints/{endpoint['id']}/hints", {"intervalMs": 60_000}

    answers = [client.post(f"{path}/interval", json=hint, headers=bearing) for _ in range(2)]

    assert [(each.status_code, each.content) for each in answers] == [(204, b"")] * 2
    assert len(client.get(path).json()["hints"]) == 1


def test_a_key_is_for_one_request(client, bearing) -> None:
    """Another body, method, path or query under the same key is refused, and not done."""
    client.post("/jobs", json={"name": "shop"}, headers=bearing)

    for method, path, body in (
        ("POST", "/jobs", {"name": "other"}),
        ("POST", "/jobs?x=1", {"name": "shop"}),
        ("PUT", "/jobs/by-key/k", {"name": "shop"}),
    ):
        answer = client.request(method, path, json=body, headers=bearing)
        assert (answer.status_code, answer.json()["issues"][0]["code"]) == (422, "key_of_another")
        assert answer.json()["issues"][0]["path"] == "Idempotency-Key"
    assert len(client.get("/jobs").json()["jobs"]) == 1


def test_what_was_refused_may_be_asked_again(client, bearing) -> None:
    """Nothing was done, so the key is free, also for a body that is mended."""
    refused = client.post("/jobs", json={"name": ""}, headers=bearing)
    mended = client.post("/jobs", json={"name": "shop"}, headers=bearing)

    assert (refused.status_code, mended.status_code) == (422, 201)
    assert "idempotency-replayed" not in mended.headers


def test_of_many_at_once_one_is_done(client, serve, bearing) -> None:
    """Whichever of two processes they reach, all get the answer of the one."""
    other = serve().client(client.headers["x-api-key"])

    with other, ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda each: each.post("/jobs", json={"name": "shop"}, headers=bearing),
                [client, other] * 4,
            )
        )

    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert sum("idempotency-replayed" in each.headers for each in answers) == 7


def test_a_key_is_ones_own(service, tenant, client, bearing) -> None:
    """Another tenant's is another; who may less does not get what others got; trap T43."""
    client.post("/jobs", json={"name": "shop"}, headers=bearing)

    with service.client() as stranger:
        theirs = stranger.post("/jobs", json={"name": "shop"}, headers=bearing)
    with service.client(service.key(tenant, frozenset({Scope.READ}))) as reader:
        refused = reader.post("/jobs", json={"name": "shop"}, headers=bearing)

    assert theirs.status_code == 201
    assert "idempotency-replayed" not in theirs.headers
    assert refused.status_code == 422


def test_a_secret_is_repeated_and_not_kept_in_clear(client, database, bearing) -> None:
    """A lost answer is no lost API key; whoever reads the database gets none; trap T43."""
    answers = [client.post("/auth/api-key/create", headers=bearing) for _ in range(2)]

    key = answers[0].json()["key"]
    assert answers[1].json()["key"] == key
    assert len(client.get("/auth/api-key/list").json()) == 2
    kept = asyncio.run(everything_kept(database))
    assert kept
    assert key not in kept
    assert bearing["Idempotency-Key"] not in kept


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_is_a_word(client, key: str) -> None:
    """What cannot be one is said, and nothing is done."""
    answer = client.post("/jobs", json={"name": "shop"}, headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert answer.json()["issues"][0]["path"] == "Idempotency-Key"
    assert client.get("/jobs").json()["jobs"] == []


def test_reading_needs_no_key(client, bearing) -> None:
    """One that comes with it changes nothing: what is read is as it stands."""
    before = client.get("/jobs", headers=bearing).json()
    client.a_job()

    assert client.get("/jobs", headers=bearing).json() != before


async def everything_kept(database: str) -> str:
    """Read all that is kept of answers, as who has the database reads it."""
    async with open_engine(parse_database_url(database)) as engine, engine.connect() as connection:
        return str((await connection.execute(select(kept_answers))).all())


def test_what_is_shown_once_says_so() -> None:
    """A member that is called as a secret is one, so that its answer is kept sealed."""
    shapes = {*_shapes(Wire)}
    secrets = {(shape, name) for shape in shapes for name in shape.model_fields if name in SECRETS}

    assert len(secrets) == 3
    for shape, name in secrets:
        assert SHOWN_ONCE in shape.model_fields[name].metadata, f"{shape.__name__}.{name}"


SECRETS = {"raw_key", "key", "token", "access_token", "secret"}


def _shapes(root: type[Wire]) -> Iterator[type[Wire]]:
    """Name every shape of the wire."""
    for each in root.__subclasses__():
        yield each
        yield from _shapes(each)

"""Argon2id keeps the contract, at the cost that is asked of it."""

import asyncio

import pytest
from cronicorn_adapter_argon2.password_hasher import Argon2PasswordHasher
from cronicorn_domain.ports.password_hasher import PasswordHasher
from cronicorn_domain.testing.password_hasher_contract import PASSWORD, PasswordHasherContract


def cheap(**more) -> Argon2PasswordHasher:
    """Return a hasher that takes hardly any time."""
    return Argon2PasswordHasher(**{"memory_kib": 8, "passes": 1, **more})


class TestArgon2PasswordHasher(PasswordHasherContract):
    """At hardly any cost: what it promises does not depend on it."""

    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        """Provide the hasher."""
        return cheap()


async def test_it_is_argon2id_as_owasp_recommends_it() -> None:
    """19 MiB, two passes, one lane, and the hash says so."""
    hashed = await Argon2PasswordHasher().hash(PASSWORD)

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_cheaper_hash_is_outdated() -> None:
    """It still tells its password, so that it can be replaced; what is no hash is outdated, too."""
    old = await cheap().hash(PASSWORD)
    dearer = cheap(passes=2)

    assert await dearer.verify(PASSWORD, old)
    assert dearer.is_outdated(old)
    assert not dearer.is_outdated(await dearer.hash(PASSWORD))
    assert dearer.is_outdated("no hash")


async def test_many_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more are hashed at once than are allowed, and all are answered."""
    hasher = cheap(at_once=2)
    under_way, most = 0, 0
    to_thread = asyncio.to_thread

    async def counted(*arguments):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await to_thread(*arguments)
        finally:
            under_way -= 1

    monkeypatch.setattr(asyncio, "to_thread", counted)
    hashes = await asyncio.gather(*(hasher.hash(PASSWORD) for _ in range(20)))

    assert len(set(hashes)) == 20
    assert most == 2

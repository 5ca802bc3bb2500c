"""Passwords: told from their hashes, and never the other way round."""

import pytest

from cronicorn_domain.ports.password_hasher import PasswordHasher

PASSWORD = "correct horse battery staple"  # noqa: S105  it opens nothing
NO_HASHES = ("", "hashed", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$\0", "é" * 64)


class PasswordHasherContract:
    """What holds for every hasher."""

    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        """Provide a hasher."""
        raise NotImplementedError("the adapter's test class provides the hasher")

    async def test_a_password_is_behind_its_hash(self, hasher: PasswordHasher) -> None:
        """That one, and none that is nearly so."""
        hashed = await hasher.hash(PASSWORD)

        assert await hasher.verify(PASSWORD, hashed)
        for wrong in ("", PASSWORD[:-1], f"{PASSWORD} ", PASSWORD.upper(), f"{PASSWORD}\0", hashed):
            assert not await hasher.verify(wrong, hashed)

    @pytest.mark.parametrize("password", ["pässwörd größer", "p\0ssword", "🦄" * 64, "x" * 256])
    async def test_any_text_is_a_password(self, hasher: PasswordHasher, password: str) -> None:
        """All of it counts: any script, what is behind a NUL, and the end of a long one."""
        hashed = await hasher.hash(password)

        assert await hasher.verify(password, hashed)
        assert not await hasher.verify(password[:-1], hashed)

    async def test_hashes_differ(self, hasher: PasswordHasher) -> None:
        """Two people of one password are not seen to have it, and no hash holds it."""
        first, second = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)

        assert first != second
        assert PASSWORD not in first
        assert await hasher.verify(PASSWORD, second)

    async def test_nobody_has_no_password(self, hasher: PasswordHasher) -> None:
        """No account is answered like a wrong password, and so is a text that is no hash."""
        for hashed in (None, *NO_HASHES):
            assert not await hasher.verify(PASSWORD, hashed)

    async def test_a_new_hash_is_not_outdated(self, hasher: PasswordHasher) -> None:
        """What was made just now need not be made anew."""
        assert not hasher.is_outdated(await hasher.hash(PASSWORD))

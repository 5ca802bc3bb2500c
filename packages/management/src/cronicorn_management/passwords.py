"""Where nothing hashes passwords nobody has one."""

from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.ports.password_hasher import PasswordHasher


class NoPasswords:
    """Nobody can be given a password, and nobody signs in with one."""

    async def hash(self, password: str) -> str:
        """Refuse every password."""
        del password
        raise InvalidInput("nobody signs in here", field="password", remedy="leave it out")

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Say no."""
        del password, hashed
        return False

    def is_outdated(self, hashed: str) -> bool:
        """Say no."""
        del hashed
        return False


NO_PASSWORDS: Final[PasswordHasher] = NoPasswords()

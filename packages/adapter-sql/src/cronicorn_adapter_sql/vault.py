"""Keeps secrets unreadable in the database: header values and signing keys."""

import base64
import binascii
import secrets
from typing import Final, assert_never

from cronicorn_domain.errors import SecretsUnavailable
from cronicorn_domain.identity import EndpointId, TenantId
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cronicorn_adapter_sql.database_url import DatabaseUrl, PostgresDatabase, SqliteDatabase
from cronicorn_adapter_sql.keys import SETTING, KeyFile, Keyring, parse_keys

_VERSION: Final = "v1"
_NONCE_LENGTH: Final = 12


class Vault:
    """
    Seals and opens secrets with AES-256-GCM.

    A sealed one is ``v1.<key id>.<base64url of nonce and ciphertext>``. It is bound to its place, a
    header's to tenant, endpoint and header: moved to another row it does not open. Sealing a value
    twice gives two different tokens; to compare, open. No error and no representation holds a
    value.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, tenant: TenantId, endpoint: EndpointId, header: str, value: str) -> str:
        """
        Encrypt the value of a header.

        Raises:
            SecretsUnavailable: there is no key to encrypt with; the message says how to make one.
        """
        return self._sealed(_place(tenant, endpoint, header), value)

    def seal_signing_key(self, tenant: TenantId, text: str) -> str:
        """Encrypt a key that the tenant's requests are signed with. Raises as ``seal`` does."""
        return self._sealed(_place_of_signing_key(tenant), text)

    def open(self, tenant: TenantId, endpoint: EndpointId, header: str, token: str) -> str:
        """
        Decrypt the value of a header.

        Raises:
            SecretsUnavailable: its key is not at hand, or it was altered or belongs elsewhere.
        """
        return self._opened(
            _place(tenant, endpoint, header),
            token,
            f"the secret header {header.lower()!r} of endpoint {endpoint}",
            "set its value again",
        )

    def open_signing_key(self, tenant: TenantId, token: str) -> str:
        """Decrypt a key that the tenant's requests are signed with. Raises as ``open`` does."""
        return self._opened(
            _place_of_signing_key(tenant),
            token,
            f"a signing key of tenant {tenant}",
            "rotate it without an overlap",
        )

    def seal_answer(self, tenant: TenantId, key: str, text: str) -> str:
        """Encrypt what was answered under a key. Raises as ``seal`` does."""
        return self._sealed(_place_of_answer(tenant, key), text)

    def open_answer(self, tenant: TenantId, key: str, token: str) -> str:
        """Decrypt what was answered under a key. Raises as ``open`` does."""
        place, subject = _place_of_answer(tenant, key), f"an answer of tenant {tenant}"
        return self._opened(place, token, subject, "ask under another key")

    def _sealed(self, place: bytes, value: str) -> str:
        key = self._keyring.sealing_key()
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        sealed = AESGCM(key.material).encrypt(nonce, value.encode("utf-8", "surrogatepass"), place)
        return f"{_VERSION}.{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def _opened(self, place: bytes, token: str, subject: str, remedy: str) -> str:
        try:
            version, key_id, encoded = token.split(".")
            content = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _unreadable(subject, remedy) from None
        if version != _VERSION or len(content) <= _NONCE_LENGTH:
            raise _unreadable(subject, remedy)
        key = self._keyring.opening_key(key_id)
        try:
            value = AESGCM(key.material).decrypt(
                content[:_NONCE_LENGTH], content[_NONCE_LENGTH:], place
            )
        except InvalidTag as error:
            raise _unreadable(subject, remedy) from error
        return value.decode("utf-8", "surrogatepass")


def vault_for(database: DatabaseUrl, *, secret_key: str | None) -> Vault:
    """
    Return the vault of a database.

    Args:
        database: An embedded one (SQLite) has a key file beside it, made at the first need.
        secret_key: The value of ``CRONICORN_SECRET_KEY``; None or empty if it is not set.

    Raises:
        InvalidInput: the keys given are malformed.
    """
    given = parse_keys(secret_key) if secret_key else ()
    match database:
        case SqliteDatabase():
            return Vault(Keyring(given, file=KeyFile(path=database.key_path)))
        case PostgresDatabase():
            return Vault(Keyring(given))
        case _:
            assert_never(database)


def _place(tenant: TenantId, endpoint: EndpointId, header: str) -> bytes:
    """Say where a value belongs; header names are equal whatever their case."""
    return f"{tenant}/{endpoint}/{header.lower()}".encode()


def _place_of_signing_key(tenant: TenantId) -> bytes:
    """Say where a signing key belongs: in no place where a header could be."""
    return f"{tenant}//signing-key".encode()


def _place_of_answer(tenant: TenantId, key: str) -> bytes:
    """Say where a kept answer belongs: in no place where a header could be."""
    return f"{tenant}//answer/{key}".encode()


def _unreadable(subject: str, remedy: str) -> SecretsUnavailable:
    return SecretsUnavailable(
        f"{subject} was altered or moved, or is sealed with another key of the same id: {remedy},"
        f" or give the key it was sealed with as {SETTING}"
    )

"""Secret keys: read from a setting, or kept in a file beside an embedded database."""

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cronicorn_domain.errors import InvalidInput, NoSecretKey, SecretsUnavailable

SETTING: Final = "CRONICORN_SECRET_KEY"
MAKE_A_KEY: Final = f'export {SETTING}="$(head -c 32 /dev/urandom | base64)"'
"""The command that makes a key; the key must be kept, or what it sealed is lost."""

_LENGTH: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A key of AES-256 and the name by which tokens refer to it."""

    id: str
    material: bytes = field(repr=False)


def parse_keys(text: str) -> tuple[SecretKey, ...]:
    """
    Read ``[id:]base64key[,[id:]base64key]``: the first key seals, all of them open.

    A key is 32 bytes. Without an id it gets one from its hash, so that it keeps its name wherever
    it stands in the list.

    Raises:
        InvalidInput: a key is malformed, or an id stands twice. The message repeats no key.
    """
    keys = tuple(_key(part.strip(), n) for n, part in enumerate(text.split(","), start=1))
    ids = [key.id for key in keys]
    for key_id in ids:
        if ids.count(key_id) > 1:
            raise _malformed(f"two keys of {SETTING} have the id {key_id!r}")
    return keys


def _key(part: str, position: int) -> SecretKey:
    key_id, separator, encoded = part.rpartition(":")
    where = f"key {position} of {SETTING}"
    if separator and not _ID.fullmatch(key_id):
        raise _malformed(f"the id of {where} is not made of 1 to 32 letters, digits, - and _")
    try:
        material = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(f"{where} is not base64") from None
    if len(material) != _LENGTH:
        raise _malformed(f"{where} has {len(material)} bytes instead of {_LENGTH}")
    return SecretKey(id=key_id or _id_of(material), material=material)


def _id_of(material: bytes) -> str:
    return hashlib.sha256(b"cronicorn key id" + material).hexdigest()[:8]


def _malformed(message: str) -> InvalidInput:
    remedy = f"make a new one with: {MAKE_A_KEY}"
    return InvalidInput(f"{message}; {remedy}", field=SETTING, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A file of keys, readable by its owner only, made when the first secret needs it."""

    path: Path

    def read(self) -> tuple[SecretKey, ...]:
        """
        Return the keys in the file; none if there is no file.

        Raises:
            SecretsUnavailable: the file cannot be read, or holds something else.
        """
        try:
            return parse_keys(self.path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretsUnavailable(
                f"the key file {self.path} cannot be read: {_reason(error)}"
            ) from error
        except InvalidInput as error:
            raise SecretsUnavailable(
                f"the key file {self.path} is damaged: restore it from a backup; without it what"
                " was sealed with it cannot be read"
            ) from error

    def read_or_make(self) -> tuple[SecretKey, ...]:
        """
        Return the keys in the file, having made it if it was not there.

        Of several processes that make it at once, one succeeds and all read the same.

        Raises:
            SecretsUnavailable: the file can be neither read nor made.
        """
        if keys := self.read():
            return keys
        try:
            self._make()
        except OSError as error:
            raise SecretsUnavailable(
                f"the key file {self.path} cannot be made: {_reason(error)};"
                f" give a key instead: {MAKE_A_KEY}"
            ) from error
        return self.read()

    def _make(self) -> None:
        """Write the whole file under another name first, so that nobody ever reads half of it."""
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(_LENGTH)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(
                FileExistsError
            ):  # then another process was first, and its key is the key
                os.link(draft, self.path)
        finally:
            draft.unlink()


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "unknown reason" if isinstance(error, OSError) else "it is no text"


class Keyring:
    """
    The keys at hand: those given by setting, then those in the key file of an embedded database.

    The file's keys open what they sealed also after a key was given; a new file is made only where
    none was given. What was read from the file is remembered.
    """

    def __init__(self, given: Sequence[SecretKey] = (), *, file: KeyFile | None = None) -> None:
        self._file = file
        self._sealing = given[0] if given else None
        self._opening = {key.id: key for key in given}

    def sealing_key(self) -> SecretKey:
        """
        Return the key that seals.

        Raises:
            NoSecretKey: there is none; the message says how to make one.
            SecretsUnavailable: the key file cannot be read.
        """
        if self._sealing is None:
            self._sealing = self._from_file()
        return self._sealing

    def _from_file(self) -> SecretKey:
        if self._file is None:
            raise NoSecretKey(
                "secrets cannot be kept without a key to encrypt them: give every"
                f" process the same one, made with: {MAKE_A_KEY}"
            )
        return self._file.read_or_make()[0]

    def opening_key(self, key_id: str) -> SecretKey:
        """
        Return the key of this id.

        Raises:
            SecretsUnavailable: it is not at hand.
        """
        if key_id not in self._opening and self._file is not None:
            # A given key stands before one of the same id in the file.
            self._opening = {key.id: key for key in self._file.read()} | self._opening
        if key_id not in self._opening:
            where = SETTING if self._file is None else f"{SETTING} or {self._file.path}"
            raise SecretsUnavailable(
                f"a secret was sealed with the key {key_id!r}, which is not at hand:"
                f" add it to {where}"
            )
        return self._opening[key_id]

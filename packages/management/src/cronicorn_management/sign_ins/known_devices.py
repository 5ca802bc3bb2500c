"""
Knows the devices from which an account was signed in to, by a proof that they keep.

The proof is a name and its seal, made with the hash of the account's password: nothing is stored
for it, nobody else can make one, and it ends with the password. It lets nobody in. All it does is
that guesses of strangers do not count for the device (OWASP calls it a device cookie).
"""

import hashlib
import hmac
import secrets
from typing import Final

from cronicorn_domain.model.person import Person

PROOF_LENGTH_MOST: Final = 200
_RANDOM_BYTES: Final = 16
_NOBODYS: Final = secrets.token_hex(_RANDOM_BYTES)
"""What no proof was made with: of an account that is none, it takes as long to tell."""


def proof_for(person: Person, proof: str | None = None) -> str:
    """Return what a device keeps after a sign-in; one that is known keeps its name."""
    name = known_by(person, proof) or secrets.token_urlsafe(_RANDOM_BYTES)
    return f"{name}.{_seal(name, person)}"


def known_by(person: Person | None, proof: str | None) -> str | None:
    """Return the name of the device that the account knows by this proof; None: it knows none."""
    if proof is None or len(proof) > PROOF_LENGTH_MOST or not proof.isascii():
        return None
    name, _, seal = proof.partition(".")
    known = hmac.compare_digest(seal, _seal(name, person))
    return name if known and person is not None else None


def _seal(name: str, person: Person | None) -> str:
    key = _NOBODYS if person is None else f"{person.id} {person.password}"
    return hmac.new(key.encode(), f"device {name}".encode(), hashlib.sha256).hexdigest()

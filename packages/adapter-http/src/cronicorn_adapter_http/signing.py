"""Signs what is sent: Standard Webhooks, and the older scheme of Cronicorn."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from cronicorn_domain.model.signing import Scheme, Signatory

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def signature_headers(signatory: Signatory, body: bytes, *, since: timedelta) -> dict[str, str]:
    """
    Return the headers that sign a body, the very bytes that are sent.

    Standard Webhooks has a signature by each key, so that receivers may change theirs at any time
    during a rotation. The older scheme has room for one: it is made with the newest key.

    Args:
        signatory: Who signs.
        body: What is sent; empty when there is none.
        since: How much time has passed since ``signatory.at``.
    """
    timestamp = str((signatory.at + since - _UNIX_EPOCH) // _SECOND)
    headers: dict[str, str] = {}
    if Scheme.STANDARD in signatory.schemes:
        headers |= _standard(signatory, timestamp, body)
    if Scheme.OLDER in signatory.schemes:
        headers |= _older(signatory, timestamp, body)
    return headers


def _standard(signatory: Signatory, timestamp: str, body: bytes) -> dict[str, str]:
    """Sign as https://www.standardwebhooks.com says: HMAC-SHA256 over id, time and body."""
    signed = f"{signatory.message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key.material, signed, hashlib.sha256) for key in signatory.keys)
    return {
        "webhook-id": signatory.message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in digests),
    }


def _older(signatory: Signatory, timestamp: str, body: bytes) -> dict[str, str]:
    """Sign as receivers of the existing Cronicorn check it: by the text of the key, in hex."""
    newest, *_ = signatory.keys
    digest = hmac.digest(newest.text.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "X-Cronicorn-Signature": f"sha256={digest.hex()}",
        "X-Cronicorn-Timestamp": timestamp,
    }

"""Identities: time-ordered UUIDs, so that rows made together lie together."""

import os
import threading
import time
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
JobId = NewType("JobId", UUID)
EndpointId = NewType("EndpointId", UUID)
RunId = NewType("RunId", UUID)
HintId = NewType("HintId", UUID)
TriggerId = NewType("TriggerId", UUID)
AuditId = NewType("AuditId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
AlertId = NewType("AlertId", UUID)
NoticeId = NewType("NoticeId", UUID)
PersonId = NewType("PersonId", UUID)
SignInId = NewType("SignInId", UUID)
DeviceGrantId = NewType("DeviceGrantId", UUID)
ReservationId = NewType("ReservationId", UUID)
SessionId = NewType("SessionId", UUID)
SuggestionId = NewType("SuggestionId", UUID)
WorkerId = NewType("WorkerId", str)
"""A worker's name, unique among the living: host, process and a random part."""
Token = NewType("Token", int)
"""A fencing token: it grows with each claim, and every guarded write carries it."""

DEFAULT_TENANT = TenantId(UUID(int=0))
"""The only tenant of an embedded installation."""

_guard = threading.Lock()
_last_stamp = 0


def new_uuid() -> UUID:
    """
    Make a version 7 UUID: 48 bits of milliseconds, 12 of their fraction, 62 random ones.

    Strictly rising within a process (RFC 9562, section 6.2, method 3). The system clock
    serves only as an order here; no rule depends on it.
    """
    global _last_stamp  # noqa: PLW0603  the high-water mark is the point
    with _guard:
        stamp = max(time.time_ns() * 4096 // 1_000_000, _last_stamp + 1)
        _last_stamp = stamp
    noise = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=(stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | noise)

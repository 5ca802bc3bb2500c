"""What crosses the wire about the key that requests are signed with."""

from cronicorn_api.wire.values import Instant, Maybe, Milliseconds, ShownOnce, Wire


class SigningKeyBody(Wire):
    """Whether there is a key; of itself only how it begins."""

    has_key: bool
    key_prefix: str | None
    created_at: Instant | None
    rotated_at: Instant | None
    previous_valid_until: Maybe[Instant] = None


class NewSigningKeyBody(Wire):
    """The key with itself, which is shown this once."""

    raw_key: ShownOnce
    key_prefix: str


class RotationGiven(Wire):
    """How long the key so far goes on signing beside the new one: 24 hours, unless it is said."""

    overlap_ms: Milliseconds | None = None

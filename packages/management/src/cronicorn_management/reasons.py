"""The reasons that people give."""

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.job import check_text

REASON_LENGTH = 1000


def check_reason(reason: str | None) -> str | None:
    """Return a reason that can be kept; a blank one is none. Raises ``InvalidInput``."""
    if reason is None or not reason.strip():
        return None
    check_text(reason, field="reason")
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(
            f"the reason has {len(reason)} characters",
            field="reason",
            remedy=f"keep it to {REASON_LENGTH}",
        )
    return reason

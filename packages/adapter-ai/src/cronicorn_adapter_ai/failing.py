"""What the library's errors mean. Nothing that a vendor wrote gets into a message: it may echo."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from cronicorn_domain.model.conversation import NO_USAGE, Silence, Unanswered, Usage
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
)

_KINDS: Final[tuple[tuple[type[ModelAPIError], Silence], ...]] = (
    (ModelTimeoutError, Silence.TOO_LATE),
    (ModelConnectionError, Silence.UNREACHABLE),
    (ModelRateLimitError, Silence.TOO_MANY),
    (ModelQuotaExceededError, Silence.REJECTED),
    (ModelUnavailableError, Silence.OVERLOADED),
    (ModelServerError, Silence.BROKEN),
    (ModelRequestRejectedError, Silence.REJECTED),
)
_STATUS_OF_OURS: Final = range(400, 500)
_WORDS: Final = {
    Silence.TOO_MANY: "the model is asked too often",
    Silence.OVERLOADED: "the model is overloaded",
    Silence.BROKEN: "the model's vendor has a fault",
    Silence.UNREACHABLE: "the model cannot be reached, or the connection was lost",
    Silence.TOO_LATE: "the model did not answer in time",
    Silence.UNREADABLE: "the model's answer cannot be read",
    Silence.REJECTED: "the model's vendor rejects it: check key, model and address",
}
_LONGEST_WAIT: Final = timedelta(days=1)
_CONNECT_ERRORS: Final = frozenset({"ConnectError", "ConnectTimeout"})


def unanswered(error: AgentRunError) -> Unanswered:
    """Say what an error means, and what the ask has cost."""
    why = _why(error)
    status = error.status_code if isinstance(error, ModelHTTPError) else None
    told = "" if status is None else f" (status {status})"
    return Unanswered(
        why=why,
        message=f"{_WORDS[why]}{told}",
        retry_after=_retry_after(error),
        usage=_usage(error, status),
    )


def too_late() -> Unanswered:
    """Say that the time of the ask is over."""
    return Unanswered(why=Silence.TOO_LATE, message=_WORDS[Silence.TOO_LATE])


def unreadable() -> Unanswered:
    """Say that there was an answer, which nobody can make sense of."""
    return Unanswered(why=Silence.UNREADABLE, message=_WORDS[Silence.UNREADABLE])


def _why(error: AgentRunError) -> Silence:
    known = next((why for kind, why in _KINDS if isinstance(error, kind)), None)
    if known is not None:
        return known
    if isinstance(error, ModelHTTPError):
        return Silence.REJECTED if error.status_code in _STATUS_OF_OURS else Silence.BROKEN
    return Silence.UNREADABLE


def _retry_after(error: AgentRunError) -> timedelta | None:
    seconds = error.retry_after if isinstance(error, ModelAPIError) else None
    if seconds is None or not 0 <= seconds <= _LONGEST_WAIT.total_seconds():
        return None
    return timedelta(seconds=seconds)


def _usage(error: AgentRunError, status: int | None) -> Usage | None:
    """Nothing, where the vendor refused or was never reached; else nobody knows."""
    in_stream = isinstance(error, ModelAPIError) and error.in_stream
    refused = status is not None and not in_stream
    unreached = any(type(each).__name__ in _CONNECT_ERRORS for each in _causes(error))
    return NO_USAGE if refused or unreached else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):  # a chain of causes may be a circle
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__

"""Where the client's errors end: what leaves the adapter is the domain's."""

from collections.abc import Iterator
from contextlib import contextmanager

from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,  # noqa: A004  the client's own, which is no OSError
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004  likewise
)


@contextmanager
def translated() -> Iterator[None]:
    """
    Turn every error of the client inside the block into one of the domain's.

    Raises:
        StoreUnavailable: the server cannot be reached, is loading, full or a replica; trying again
            may help.
        StoreRefused: anything else it answered, the wrong password first of all.
    """
    try:
        yield
    except AuthenticationError as error:
        raise StoreRefused("Redis does not know the user or the password: mend the URL") from error
    except (ConnectionError, TimeoutError, ReadOnlyError) as error:
        raise StoreUnavailable(f"Redis does not answer: {type(error).__name__}") from error
    except RedisError as error:
        if str(error).startswith("OOM"):
            raise StoreUnavailable("Redis has no memory left: give it more") from error
        raise StoreRefused(f"Redis refused it: {type(error).__name__}") from error

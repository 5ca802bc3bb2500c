"""What each fault is worth to who typed a command: a sentence on standard error, and an exit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

USAGE = 2
FAILURE = 1


@contextmanager
def foreseen() -> Iterator[None]:
    """Turn what was foreseen inside the block into a message and an exit code."""
    from cronicorn_domain.errors import CronicornError, InvalidInput  # noqa: PLC0415
    from cronicorn_scheduler.supervising import PartDied  # noqa: PLC0415

    from cronicorn_api.settings import UsageFault  # noqa: PLC0415

    try:
        yield
    except InvalidInput as fault:
        _exit("; ".join(issue.message for issue in fault.issues), USAGE)
    except UsageFault as fault:
        _exit(str(fault), USAGE)
    except (CronicornError, OSError, PartDied) as fault:
        _exit(str(fault), FAILURE)


def _exit(message: str, code: int) -> NoReturn:
    typer.echo(f"cronicorn-api: {message}", err=True)
    raise typer.Exit(code)

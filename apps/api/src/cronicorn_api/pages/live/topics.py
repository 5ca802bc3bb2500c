"""Of what a tab wants to hear: words in the address of its stream."""

from collections.abc import Iterable, Iterator
from typing import Final

from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.glimpse import DeedGlimpse, RunGlimpse
from cronicorn_management.watching import Happening

RUN: Final = "run"
"""Any run has started, or ended."""
PLAN: Final = "plan"
"""A job or an endpoint was changed."""


def topics_in(text: str) -> frozenset[str]:
    """Read topics that blanks or commas part."""
    return frozenset(text.replace(",", " ").split())


def topics_of(happenings: Iterable[Happening]) -> Iterator[str]:
    """Name what has happened: of all, and of the endpoint or job that it happened to."""
    for happening in happenings:
        match happening.what:
            case RunGlimpse() as run:
                yield RUN
                yield f"{RUN}:{run.endpoint_id}"
            case DeedGlimpse() as deed:
                yield PLAN
                kind = "job" if deed.subject_kind is SubjectKind.JOB else PLAN
                yield f"{kind}:{deed.subject}"

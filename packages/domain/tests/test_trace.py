"""The trace of who asks, as W3C's header tells it."""

import pytest
from cronicorn_domain.model.trace import Trace

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_trace_is_read_and_handed_on() -> None:
    """Whoever is called is below us, in the same trace; whether it is kept stays as it was."""
    trace = Trace.parse(f"00-{ID}-{SPAN}-01")

    assert trace == Trace(id=ID, span=SPAN, sampled=True)
    assert str(trace) == f"00-{ID}-{SPAN}-01"
    assert str(trace.below("b9c7c989f97918e1")) == f"00-{ID}-b9c7c989f97918e1-01"
    assert str(Trace.parse(f"00-{ID}-{SPAN}-02")) == f"00-{ID}-{SPAN}-00"


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """What it says more is let be, and not handed on."""
    assert str(Trace.parse(f"cc-{ID}-{SPAN}-01-more")) == f"00-{ID}-{SPAN}-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "hello",
        f"00-{ID}-{SPAN}",
        f"00-{ID}-{SPAN}-01-more",
        f"ff-{ID}-{SPAN}-01",
        f"00-{ID.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID}-{SPAN}-01\r\nX-Evil: 1",
    ],
)
def test_what_is_no_trace_is_none(text: str | None) -> None:
    """It is no fault: the standard has us go on without."""
    assert Trace.parse(text) is None

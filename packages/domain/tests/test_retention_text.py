"""How much history is kept is written in one way, and what cannot be meant is refused."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.policies.retention_text import age_in, runs_in


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30d", timedelta(days=30)),
        (" 12H ", timedelta(hours=12)),
        ("1s", timedelta(seconds=1)),
        ("3660d", timedelta(days=3660)),
        ("off", None),
    ],
)
def test_an_age_is_a_number_with_a_unit_or_off(text: str, age: timedelta | None) -> None:
    """Off keeps history for ever."""
    assert age_in(text) == age


@pytest.mark.parametrize("text", ["", "0d", "30", "-1d", "3661d", "999999999d", "1.5d", "ever"])
def test_no_other_age_is_taken(text: str) -> None:
    """None that would keep nothing, and none that could not be reckoned with (trap T30)."""
    with pytest.raises(InvalidInput):
        age_in(text)


def test_a_number_of_runs_is_one_or_more_or_off() -> None:
    """Off keeps all that are young enough."""
    assert [runs_in("1"), runs_in("250000"), runs_in("OFF")] == [1, 250_000, None]
    for text in ("0", "-1", "many", "1e3", "9999999999"):
        with pytest.raises(InvalidInput):
            runs_in(text)

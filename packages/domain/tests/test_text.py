"""Text that no store and no wire can carry is refused at the door."""

from collections.abc import Callable

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.endpoint import Header, HttpRequest
from cronicorn_domain.model.job import check_description, check_name

URL = "http://example.com/"


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "é\udfff"])
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("name", check_name),
        ("description", check_description),
        ("url", lambda odd: HttpRequest(url=URL + odd)),
        ("body", lambda odd: HttpRequest(url=URL, body=odd)),
        ("headers.X-Odd", lambda odd: Header(name="X-Odd", value=odd)),
    ],
)
def test_nul_and_lone_surrogates_are_refused(
    field: str, make: Callable[[str], object], odd: str
) -> None:
    """A store would refuse them much later, and without a place (trap T15)."""
    with pytest.raises(InvalidInput) as refused:
        make(odd)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "odd", ["two\nlines", "\x1b[31mred", "a\tb", "a\x7f", "a\x85b", "a\u2028b"]
)
def test_a_name_stays_on_its_line(odd: str) -> None:
    """What breaks lines or steers a terminal would do so wherever the name is shown."""
    with pytest.raises(InvalidInput, match="cannot be a name") as refused:
        check_name(odd)

    assert refused.value.field == "name"
    assert odd not in str(refused.value)


def test_any_other_text_is_taken() -> None:
    """Letters of any script, and characters beyond the basic plane."""
    check_name("Überwachung 😀 監視 👩‍🚀")

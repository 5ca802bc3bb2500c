"""The reference: every operation and shape, on a page that loads nothing from anywhere."""

import re
from html.parser import HTMLParser

import pytest
from cronicorn_api.application import application
from cronicorn_api.reference.page import POLICY, reference_page


class Page(HTMLParser):
    """Collects what a page shows, names, links to and would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown = ""
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.names: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        self.shown += data

    def handle_starttag(self, tag: str, attrs) -> None:
        """Keep what is named, linked to and loaded."""
        for name, value in attrs:
            if name == "id":
                self.names.append(value)
            elif name == "href":
                self.links.add(value)
            elif name in {"src", "srcset", "action", "data"}:
                self.loads.add(value)
        if tag in {"script", "link", "img", "iframe"}:
            self.loads.add(tag)


@pytest.fixture(scope="module")
def document() -> dict:
    """Read the document of the application; no desk is asked for it."""
    return application(desk=None).openapi()  # type: ignore[arg-type]


def test_every_operation_and_every_shape_is_told(document) -> None:
    """Each once, and each link leads somewhere on the page."""
    page = Page(reference_page(document))

    operations = [
        (operation["operationId"], f"{method.upper()} {path}")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    assert sorted(page.names) == sorted(
        [name for name, _ in operations] + list(document["components"]["schemas"])
    )
    assert not [told for _, told in operations if told not in page.shown]
    assert page.links - {"openapi.json"} <= {f"#{name}" for name in page.names}


def test_what_a_document_says_is_text() -> None:
    """It is shown as it stands, and never becomes part of the page."""
    evil = "<script>alert(1)</script>"
    operation = {"operationId": evil, "tags": [evil], "description": evil, "responses": {}}
    page = Page(
        reference_page(
            {
                "openapi": "3.1.0",
                "info": {"title": evil},
                "paths": {evil: {"get": operation}},
                "components": {"schemas": {evil: {"description": evil}}},
            }
        )
    )

    assert page.loads == set()
    assert page.shown.count(evil) >= 5


def test_the_page_is_served_to_anybody_and_loads_nothing(anyone) -> None:
    """Under a policy that would not let it; the document lies beside it."""
    answer = anyone.get("/reference")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert "http" not in re.sub(r"'[^']*'", "", POLICY)
    assert Page(answer.text).loads == set()
    assert anyone.get("/doc").json() == anyone.get("/openapi.json").json()

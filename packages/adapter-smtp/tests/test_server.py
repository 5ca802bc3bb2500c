"""The setting that names the server."""

import pytest
from cronicorn_adapter_smtp.server import SmtpServer, parse_smtp_url
from cronicorn_domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtp://mail.example", SmtpServer(host="mail.example", port=587, tls=False)),
        ("smtps://mail.example", SmtpServer(host="mail.example", port=465, tls=True)),
        (
            "smtp://ada:p%40ss@mail.example:2525",
            SmtpServer(host="mail.example", port=2525, tls=False, user="ada", password="p@ss"),
        ),
    ],
)
def test_a_url_names_the_server(text: str, server: SmtpServer) -> None:
    """With the usual ports, and a password that shows nowhere: trap T43."""
    assert parse_smtp_url(text) == server
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://secret@mail.example",
        "smtp://mail.example/path",
        "smtp://mail.example:secret",
    ],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    """With what to write instead, and without what may be a secret."""
    with pytest.raises(InvalidInput) as refusal:
        parse_smtp_url(text)

    assert refusal.value.remedy is not None
    assert "secret" not in str(refusal.value)

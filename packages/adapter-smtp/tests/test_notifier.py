"""Letters of alerts, to a server on this machine."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP
from cronicorn_adapter_smtp.notifier import SmtpNotifier
from cronicorn_adapter_smtp.server import SmtpServer
from cronicorn_domain.model.alert import Email, Way, Webhook
from cronicorn_domain.ports.notifier import Notifier, Told, Untold
from cronicorn_domain.testing.notifier_contract import NotifierContract, a_due_notice

SENDER = "cronicorn@example.org"
ADA = Email("ada@example.org")


class Mailbox:
    """Takes letters, but for some addresses."""

    def __init__(self) -> None:
        self.letters: list = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        """Refuse for good whom it does not know, and for now who is busy."""
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        """Keep a letter."""
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((envelope, letter))
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    """Give an empty mailbox."""
    return Mailbox()


@pytest.fixture
async def server(mailbox: Mailbox) -> AsyncIterator[SmtpServer]:
    """Serve it on a free port."""
    loop = asyncio.get_running_loop()
    serving = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    async with serving:
        yield SmtpServer(host="127.0.0.1", port=serving.sockets[0].getsockname()[1], tls=False)


@pytest.fixture
def smtp(server: SmtpServer) -> Notifier:
    """Give the notifier."""
    return SmtpNotifier(server, sender=SENDER)


class TestLetters(NotifierContract):
    """What holds for letters as for every way."""

    @pytest.fixture
    def notifier(self, smtp: Notifier) -> Notifier:
        """Give the notifier."""
        return smtp

    @pytest.fixture
    def reaching(self) -> Way:
        """Give an address that is known."""
        return ADA

    @pytest.fixture
    def nowhere(self) -> Way:
        """Give one that takes nothing at the moment."""
        return Email("busy@example.org")

    @pytest.fixture
    def heard(self, mailbox: Mailbox) -> Callable[[], Sequence[str]]:
        """Give the letters' texts."""
        return lambda: [letter.get_content() for _, letter in mailbox.letters]


async def test_a_letter_says_whose_and_what_it_is(smtp, mailbox) -> None:
    """Its id is the notice's: who gets it twice knows it."""
    due = a_due_notice(ADA)

    assert await smtp.notify(due) == Told()

    ((envelope, letter),) = mailbox.letters
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["ada@example.org"])
    assert letter["Subject"] == "[Cronicorn] héalth: failing"
    assert letter["Message-ID"] == f"<{due.notice.id}@cronicorn>"


async def test_an_answer_cannot_write_headers(smtp, mailbox) -> None:
    """Neither a name nor a message gets beyond its line."""
    due = replace(a_due_notice(ADA), endpoint_name="health\r\nBcc: eve@example.org")
    notice = replace(due.notice, message="broken\r\n.\r\nMAIL FROM:<eve@example.org>")

    assert await smtp.notify(replace(due, notice=notice)) == Told()

    ((envelope, letter),) = mailbox.letters
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert letter["Bcc"] is None
    assert "Message: broken . MAIL FROM" in letter.get_content()


async def test_whom_the_server_does_not_know_is_given_up(smtp) -> None:
    """Trying again would not help."""
    answer = await smtp.notify(a_due_notice(Email("nobody@example.org")))

    assert isinstance(answer, Untold)
    assert answer.final


async def test_a_password_is_not_sent_in_the_clear(server, mailbox) -> None:
    """A server that offers no TLS gets neither it nor the letter: trap T43."""
    careful = SmtpNotifier(replace(server, user="ada", password="hunter2"), sender=SENDER)

    answer = await careful.notify(a_due_notice(ADA))

    assert isinstance(answer, Untold)
    assert "hunter2" not in answer.reason
    assert mailbox.letters == []


async def test_a_webhook_is_not_its_business(smtp) -> None:
    """It says so, for good."""
    answer = await smtp.notify(a_due_notice(Webhook("http://pager.example/")))

    assert isinstance(answer, Untold)
    assert answer.final

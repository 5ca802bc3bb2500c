"""Tells notices by e-mail, through the server of the installation."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.alert import DueNotice, Email, Occasion
from cronicorn_domain.model.signing import NoKeys, TenantKeys
from cronicorn_domain.ports.notifier import Notifier, Told, Untold

from cronicorn_adapter_smtp.server import SmtpServer

TIMEOUT: Final = 20.0
"""So many seconds the whole conversation with the server may last."""
_FOR_GOOD: Final = 500
_WORDS: Final = {
    Occasion.FAILING: "failing",
    Occasion.RECOVERED: "recovered",
    Occasion.QUARANTINED: "quarantined",
    Occasion.DEFERRED: "deferred",
    Occasion.RULE: "a rule tells",
    Occasion.BUDGET: "a month's quota",
    Occasion.TEST: "a trial",
}


class SmtpNotifier(Notifier):
    """Hands each notice to the server as a letter; what the server refuses for good is final."""

    def __init__(self, server: SmtpServer, *, sender: str) -> None:
        self._server = server
        self._sender = sender

    async def notify(
        self,
        due: DueNotice,
        *,
        keys: TenantKeys | NoKeys | None = None,  # noqa: ARG002  a letter is not signed
    ) -> Told | Untold:
        """Send it, and say what came of it."""
        if not isinstance(due.alert.way, Email):
            return Untold(reason="this is no letter", final=True)
        server = self._server
        try:
            async with asyncio.timeout(TIMEOUT):
                await aiosmtplib.send(
                    letter_of(due, sender=self._sender, to=due.alert.way.to),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    use_tls=server.tls,
                    start_tls=True if server.password is not None and not server.tls else None,
                )
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            codes = [each.code for each in refusal.recipients]
            return Untold(
                reason=f"the server refuses the address ({', '.join(map(str, codes))})",
                final=all(code >= _FOR_GOOD for code in codes),
            )
        except aiosmtplib.SMTPResponseException as refusal:
            return Untold(reason=f"the server refuses the letter ({refusal.code})")
        except (aiosmtplib.SMTPException, OSError) as error:
            # The kind alone: what the server says may hold what must not be shown.
            return Untold(reason=f"the server could not be reached: {type(error).__name__}")
        return Told()


def letter_of(due: DueNotice, *, sender: str, to: str) -> EmailMessage:
    """Write a notice as a letter; its id is the notice's, so that a repeat is known."""
    notice = due.notice
    about = due.endpoint_name or due.alert.name
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = to
    letter["Subject"] = _line(f"[Cronicorn] {about}: {_WORDS[notice.occasion]}")
    letter["Date"] = format_datetime(notice.at)
    letter["Message-ID"] = f"<{notice.id}@cronicorn>"
    letter["Auto-Submitted"] = "auto-generated"
    told = {
        "Occasion": notice.occasion.value,
        "Job": due.job_name,
        "Endpoint": due.endpoint_name,
        "Failures in a row": notice.failures or None,
        "At": iso_milliseconds(notice.at),
        "Message": notice.message,
        "Alert": due.alert.name,
    }
    lines = [f"{name}: {_line(str(value))}" for name, value in told.items() if value is not None]
    letter.set_content("\n".join(lines) + "\n")
    return letter


def _line(text: str) -> str:
    """Keep a text to its one line: what a target answered cannot become a header, or a line."""
    return " ".join(text.split())

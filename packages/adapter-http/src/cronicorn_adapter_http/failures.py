"""Says in a person's words what the network or the target did."""

import os
import socket
import ssl

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, LineTooLong, TransferEncodingError

from cronicorn_adapter_http.content import BrokenContent
from cronicorn_adapter_http.readable import printable

TARGET_FAULTS = (aiohttp.ClientError, OSError, ValueError, RuntimeError, BrokenContent)
"""
What can come out of a request because of the target or the network.

`ValueError` is for names and headers that cannot be encoded; uvloop raises `RuntimeError` for some
lost connections; `OSError` includes `TimeoutError`.
"""


def explained(fault: BaseException) -> str:
    """Explain a fault in one line; what is quoted of the target's own words is made harmless."""
    match fault:
        case aiohttp.ClientConnectorDNSError():
            return f"{fault.host} could not be resolved: {_reason(fault.os_error)}"
        case aiohttp.ClientConnectorCertificateError():
            reason = _reason(fault.certificate_error)
            return f"the certificate of {fault.host} is not trusted: {reason}"
        case aiohttp.ClientConnectorSSLError():
            return f"no TLS connection to {fault.host}: {_reason(fault.os_error)}"
        case aiohttp.ClientConnectorError():
            return f"no connection to {fault.host}:{fault.port}: {_reason(fault.os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the target closed the connection before its answer was complete"
        case aiohttp.ClientResponseError():
            return _invalid_http(fault)
        case aiohttp.ClientPayloadError():
            return _broken_off(fault)
        case BrokenContent():
            return str(fault)
        case OSError():
            return f"the connection was lost: {_reason(fault)}"
        case _:
            return f"the request cannot be sent: {printable(str(fault))}"


def _invalid_http(fault: aiohttp.ClientResponseError) -> str:
    cause = fault.__cause__ and fault.__cause__.__cause__
    if isinstance(cause, LineTooLong):
        return "the answer's headers are too large"
    # The first line is the parser's own words; those that follow quote the target.
    finding, *_ = fault.message.splitlines() or [""]
    finding = printable(finding).rstrip(":") or "unreadable"
    if finding == "Bad status line":  # what follows a body is read as the next answer
        finding += ", or it is longer than its Content-Length says"
    return f"the answer is not valid HTTP: {finding}"


def _broken_off(fault: aiohttp.ClientPayloadError) -> str:
    match fault.__cause__:
        case ContentLengthError():
            return "the body broke off before it was as long as its Content-Length says"
        case TransferEncodingError():
            return "the body broke off before its last chunk, or is not chunked as it says"
        case _:
            return "the body broke off: the connection was lost"


def _reason(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return printable(error.verify_message)
        case ssl.SSLError():
            return printable(error.reason or str(error))
        case socket.gaierror(strerror=str() as reason):
            return printable(reason)
        case OSError(errno=int() as number):  # the text may be the event loop's own
            return os.strerror(number)
        case _:
            return printable(str(error) or type(error).__name__)

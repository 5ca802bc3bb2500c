"""
Sends requests over connections that are kept, and does nothing else of what a session would do.

A session of aiohttp merges headers, keeps cookies, follows redirects, looks for proxies and
credentials, times and traces each request. None of it is wanted here, as redirects and deadlines
are ours and headers complete, and all of it costs as much as sending and reading. What HTTP is
(writing requests, reading answers, keeping connections, TLS) is aiohttp's.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import ClientError, ClientOSError, ClientRequest, ClientResponse, ClientTimeout
from yarl import URL

from cronicorn_adapter_http.connector import GuardedConnector

_HEAD_LINE_MOST: Final = 16 * 1024
_WITHOUT_LIMIT: Final = ClientTimeout(total=None, sock_connect=None)  # deadlines are ours
_WITH_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_CONTENT_TYPE: Final = ("Content-Type",)


class Pool:
    """Sends requests over the connections of a connector."""

    def __init__(self, connector: GuardedConnector) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()

    async def request(
        self, method: str, url: URL, *, headers: Mapping[str, str], body: bytes | None
    ) -> ClientResponse:
        """
        Send a request and return when the head of its answer is there; it is sent once.

        Raises:
            ClientError: no answer came of it.
            RefusedUrl: the URL's host is not let out.
            ValueError: something of it cannot be sent.
        """
        nothing_to_describe = body is None and method in _WITH_A_BODY
        request = ClientRequest(
            method,
            url,
            headers=headers,
            skip_auto_headers=_CONTENT_TYPE if nothing_to_describe else None,
            data=body,
            loop=self._loop,
        )
        try:
            return await self._ask(request)
        except ClientError:
            raise
        except OSError as error:
            raise ClientOSError(*error.args) from error

    async def _ask(self, request: ClientRequest) -> ClientResponse:
        connection = await self._connector.connect(request, [], _WITHOUT_LIMIT)
        try:
            assert connection.protocol is not None
            connection.protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=_HEAD_LINE_MOST,
                max_field_size=_HEAD_LINE_MOST,
            )
            answer = await request.send(connection)
            try:
                return await answer.start(connection)
            except BaseException:
                answer.close()
                raise
        except BaseException:
            connection.close()
            raise

    async def close(self) -> None:
        """End what is still sent, and close all connections."""
        await self._connector.close()

"""The HTTP dispatcher keeps the contract of `Dispatcher`."""

from collections.abc import AsyncIterator

import pytest
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.dispatcher import open_dispatcher
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_domain.ports.dispatcher import Dispatcher
from cronicorn_domain.testing.dispatcher_contract import Target, WireDispatcherContract


class TestHttpDispatcher(WireDispatcherContract):
    """The dispatcher whose guard lets out the target alone."""

    @pytest.fixture
    async def dispatcher(self, target: Target) -> AsyncIterator[Dispatcher]:
        """Allow the target's port."""
        guard = EgressGuard(AllowList.parse([target.url.removeprefix("http://")]))
        async with open_dispatcher(guard) as dispatcher:
            yield dispatcher

"""The real client libraries, over real HTTP, against vendors that play scenes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cronicorn_adapter_ai.model_client import Vendor, VendorModelClient, open_model_client
from cronicorn_adapter_ai.speaking import answer_of
from cronicorn_domain.model.conversation import (
    NO_USAGE,
    BrokenCall,
    Silence,
    ToolCall,
    Unanswered,
)
from cronicorn_domain.testing.model_client_contract import (
    ASK,
    HINT,
    KEY,
    ClientMaker,
    ModelClientContract,
    Scene,
)
from pydantic_ai.messages import ModelResponse, ToolCallPart

# What cannot be read of a usage is told by the answer, which says that nobody knows it.
pytestmark = pytest.mark.filterwarnings("ignore:Failed to extract usage")

BASES = {Vendor.OPENAI: "/v1", Vendor.ANTHROPIC: ""}


@pytest.fixture(params=list(Vendor))
async def client(request: pytest.FixtureRequest, vendor: Any) -> AsyncIterator[VendorModelClient]:
    """Give a client of each kind in turn."""
    base_url = f"{vendor.url}{BASES[request.param]}"
    async with open_model_client(request.param, api_key=KEY, base_url=base_url) as opened:
        yield opened


class TestVendorModelClient(ModelClientContract):
    """Both ways of speaking keep the contract."""

    @pytest.fixture
    async def client_maker(self, vendor: Any, client: VendorModelClient) -> ClientMaker:
        """Provide a client whose vendor plays the scene."""
        self.vendor = vendor

        def make(scene: Scene) -> VendorModelClient:
            vendor.scene = scene
            return client

        return make

    def requests(self) -> int | None:
        """Return how many requests the vendor has had."""
        return len(self.vendor.asked)


async def test_what_is_asked_reaches_the_vendor(vendor: Any, client: VendorModelClient) -> None:
    """The model, the bound of the answer, the tool and the instructions are in the request."""
    await client.ask(ASK)

    (asked,) = vendor.asked
    text = str(asked)
    assert asked["model"] == ASK.model
    assert ASK.tokens_most in {asked.get("max_tokens"), asked.get("max_completion_tokens")}
    assert HINT.name in text
    assert str(HINT.parameters["properties"]) in text
    assert ASK.instructions in text
    assert "It failed." in text


def test_a_call_at_which_an_answer_was_cut_is_broken_however_whole_it_looks() -> None:
    """Trap T35: what the model had still to say of it is not known; calls before it are whole."""
    before = ToolCallPart(tool_name=HINT.name, args={"seconds": 60}, tool_call_id="call-0")
    last = ToolCallPart(tool_name=HINT.name, args={"seconds": 3}, tool_call_id="call-1")

    cut = answer_of(ModelResponse(parts=[before, last], finish_reason="length"))
    whole = answer_of(ModelResponse(parts=[before, last], finish_reason="tool_call"))

    assert [type(each) for each in cut.calls] == [ToolCall, BrokenCall]
    assert [type(each) for each in whole.calls] == [ToolCall, ToolCall]


async def test_the_key_is_sent_and_nothing_else_of_it(
    vendor: Any, client: VendorModelClient
) -> None:
    """Trap T43: it is in the head that vendors look at, and not in what is asked."""
    await client.ask(ASK)

    (headers,), (asked,) = vendor.headers, vendor.asked
    keys = {headers.get("authorization"), headers.get("x-api-key")}
    assert keys & {KEY, f"Bearer {KEY}"}
    assert KEY not in str(asked)


async def test_whoever_is_cancelled_leaves_at_once(vendor: Any, client: VendorModelClient) -> None:
    """Trap T35: on shutdown nobody waits for a model, and the vendor sees the connection end."""
    vendor.scene = Scene.HANGS
    asking = asyncio.create_task(client.ask(ASK))
    await vendor.came.wait()

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    async with asyncio.timeout(20):
        await vendor.left.wait()


@pytest.mark.parametrize("kind", list(Vendor))
async def test_a_vendor_that_is_not_there_costs_nothing(kind: Vendor) -> None:
    """No connection, no answer, and no charge for what nobody has read."""
    async with open_model_client(kind, api_key=KEY, base_url="http://127.0.0.1:1") as client:
        answer = await client.ask(ASK)

    assert isinstance(answer, Unanswered)
    assert (answer.why, answer.usage) == (Silence.UNREACHABLE, NO_USAGE)

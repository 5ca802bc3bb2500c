"""
Models of OpenAI's kind and of Anthropic's, at any address.

Importing this takes a second or two and 100 MiB: whoever has no model does not import it.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from anthropic import AsyncAnthropic
from cronicorn_domain.model.conversation import Answer, Ask, Unanswered
from openai import AsyncOpenAI
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from cronicorn_adapter_ai.failing import too_late, unanswered, unreadable
from cronicorn_adapter_ai.speaking import answer_of, history_of, parameters_of, settings_of

_MODELS_KEPT: Final = 64
# Usage that cannot be read is told by the answer; the library would write a warning as well.
warnings.filterwarnings("ignore", message="Failed to extract usage")


class Vendor(StrEnum):
    """Whose way of speaking the address understands."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class VendorModelClient:
    """Asks a vendor's models, one request for each ask."""

    def __init__(self, model_named: Callable[[str], Model]) -> None:
        self._model_named = lru_cache(_MODELS_KEPT)(model_named)

    async def ask(self, ask: Ask) -> Answer | Unanswered:
        """Put one question, and return what came of it."""
        try:
            async with asyncio.timeout(ask.timeout.total_seconds()):
                response = await model_request(
                    self._model_named(ask.model),
                    history_of(ask),
                    model_settings=settings_of(ask),
                    model_request_parameters=parameters_of(ask),
                )
        except TimeoutError:
            return too_late()
        except AgentRunError as error:
            return unanswered(error)
        except Exception:  # noqa: BLE001  the libraries trip over answers that they did not foresee
            return unreadable()
        return answer_of(response)


@asynccontextmanager
async def open_model_client(
    vendor: Vendor, *, api_key: str, base_url: str | None = None
) -> AsyncIterator[VendorModelClient]:
    """
    Give a client of a vendor's models, and close its connections at the end of the block.

    Args:
        vendor: Whose way of speaking the address understands.
        api_key: The key to it.
        base_url: The address, such as ``http://127.0.0.1:11434/v1``; None: the vendor's own.
    """
    match vendor:
        case Vendor.OPENAI:
            async with AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0) as openai:
                provider = OpenAIProvider(openai_client=openai)
                yield VendorModelClient(lambda name: OpenAIChatModel(name, provider=provider))
        case Vendor.ANTHROPIC:
            async with AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=0) as client:
                anthropic = AnthropicProvider(anthropic_client=client)
                yield VendorModelClient(lambda name: AnthropicModel(name, provider=anthropic))
        case _:
            assert_never(vendor)

"""Models of Anthropic's kind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider


@asynccontextmanager
async def open_models(api_key: str, base_url: str | None) -> AsyncIterator[Callable[[str], Model]]:
    """Give models by their names, and close the connections to them at the end of the block."""
    async with AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=0) as client:
        provider = AnthropicProvider(anthropic_client=client)
        yield lambda name: AnthropicModel(name, provider=provider)

"""Models of OpenAI's kind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


@asynccontextmanager
async def open_models(api_key: str, base_url: str | None) -> AsyncIterator[Callable[[str], Model]]:
    """Give models by their names, and close the connections to them at the end of the block."""
    async with AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0) as client:
        provider = OpenAIProvider(openai_client=client)
        yield lambda name: OpenAIChatModel(name, provider=provider)

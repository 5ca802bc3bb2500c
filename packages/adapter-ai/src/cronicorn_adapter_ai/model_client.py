"""
Models of OpenAI's kind and of Anthropic's, at any address.

Importing this takes a second or two and 100 MiB, with the libraries of a vendor: whoever has no
model does not import it, and who has one does not import the other vendor's.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from cronicorn_domain.model.conversation import Answer, Ask, Unanswered
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models import Model

from cronicorn_adapter_ai.failing import too_late, unanswered, unreadable
from cronicorn_adapter_ai.speaking import answer_of, history_of, parameters_of, settings_of

_MODELS_KEPT: Final = 64
_NO_KEY: Final = "none"
"""The libraries want one, and would look for it in the environment."""

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
    vendor: Vendor, *, api_key: str | None, base_url: str | None = None
) -> AsyncIterator[VendorModelClient]:
    """
    Give a client of a vendor's models, and close its connections at the end of the block.

    Args:
        vendor: Whose way of speaking the address understands.
        api_key: The key to it; None: it asks for none.
        base_url: The address, such as ``http://127.0.0.1:11434/v1``; None: the vendor's own.
    """
    key = api_key or _NO_KEY
    match vendor:
        case Vendor.OPENAI:
            from cronicorn_adapter_ai.openai_models import open_models  # noqa: PLC0415
        case Vendor.ANTHROPIC:
            from cronicorn_adapter_ai.anthropic_models import open_models  # noqa: PLC0415
        case _:
            assert_never(vendor)
    async with open_models(key, base_url) as model_named:
        yield VendorModelClient(model_named)

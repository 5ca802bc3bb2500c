"""Which model looks at endpoints, as an operator writes it for each process with a planner."""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.planning import Planning

from cronicorn_planner.sessions.bounds import BOUNDS, PriceList, Prices
from cronicorn_planner.sessions.planner import PlannerSettings

SESSIONS_MOST: Final = 64
"""So many sessions at once a process holds at most."""

SESSIONS_USUAL: Final = 4
TOKENS_MOST: Final = 999_999_999
_MILLIONTHS: Final = 1_000_000
_AMOUNT: Final = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"

NONE_CHOSEN: Final = (
    "no model is set, so that none looks at endpoints; rules work without: CRONICORN_AI_MODEL,"
    " CRONICORN_AI_BASE_URL and CRONICORN_AI_API_KEY name one"
)
"""What is told once where nobody has chosen one."""


class AiVendor(StrEnum):
    """Whose way of speaking the address of the model understands."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAddress:
    """Where models are asked; None: the vendor's own address, and no key."""

    vendor: AiVendor = AiVendor.OPENAI
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """What one session may use, and how many there are at once; ``cost`` is in millionths."""

    tokens: int = BOUNDS.tokens
    cost: int | None = None
    at_once: int = SESSIONS_USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """Where models are asked, and how the planner that asks them works."""

    address: ModelAddress
    planner: PlannerSettings


def chosen_model(
    name: str, address: ModelAddress, limits: SessionLimits, prices: PriceList | None
) -> ChosenModel:
    """
    Put together what was chosen.

    Raises:
        InvalidInput: an address of the vendor's own has no key, or a cost has no prices; ``field``
            is the option's name.
    """
    if address.base_url is None and address.api_key is None:
        raise InvalidInput(
            "needs a key, or an address that asks for none",
            field="ai_model",
            remedy="Set CRONICORN_AI_API_KEY, or CRONICORN_AI_BASE_URL such as"
            " http://127.0.0.1:11434/v1",
        )
    if limits.cost is not None and prices is None:
        raise InvalidInput(
            "needs prices",
            field="ai_session_cost",
            remedy="Set CRONICORN_AI_PRICE, such as 0.25/2, or leave it out",
        )
    bounds = replace(BOUNDS, tokens=limits.tokens, cost=limits.cost)
    settings = PlannerSettings(model=name, concurrency=limits.at_once, bounds=bounds, prices=prices)
    return ChosenModel(address=address, planner=settings)


def model_in(text: str) -> str:
    """Read the name of a model. Raises ``InvalidInput``."""
    model = Planning(model=text.strip()).model
    assert model is not None
    return model


def base_url_in(text: str) -> str:
    """Read where models are asked. Raises ``InvalidInput``, which does not show a password."""
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(
            "this is no address of a model",
            field="ai_base_url",
            remedy="Give it whole, such as http://127.0.0.1:11434/v1",
        )
    return text.strip()


def prices_in(text: str) -> PriceList:
    """
    Read what a million tokens cost that are read, and that are written, such as ``0.25/2``.

    Models that cost something else follow by their names: ``0.25/2 large=3/15``.

    Raises:
        InvalidInput: one of them is no price, a model is named twice, or the usual one is missing.
    """
    usual: Prices | None = None
    by_model: dict[str, Prices] = {}
    for each in re.sub(r"\s*/\s*", "/", text.strip()).split():
        model, _, price = each.rpartition("=")
        if model in by_model or (not model and usual is not None):
            raise _no_price(each, "comes second")
        if model:
            by_model[model] = _price_in(price)
        else:
            usual = _price_in(price)
    if usual is None:
        raise _no_price(text, "has no usual price")
    return PriceList(usual=usual, by_model=by_model)


def _no_price(text: str, why: str = "is no price") -> InvalidInput:
    return InvalidInput(
        f"{text[:40]!r} {why}",
        field="ai_price",
        remedy="Write IN/OUT for a million tokens, as 0.25/2, and MODEL=IN/OUT behind it for"
        " models that cost something else",
    )


def _price_in(text: str) -> Prices:
    found = re.fullmatch(f"({_AMOUNT})/({_AMOUNT})", text)
    if found is None:
        raise _no_price(text)
    read, written = (round(Decimal(each) * _MILLIONTHS) for each in found.groups())
    return Prices(tokens_in=read, tokens_out=written)


def amount_in(text: str) -> int:
    """Read an amount of the prices' currency, in millionths. Raises ``InvalidInput``."""
    if not re.fullmatch(_AMOUNT, text.strip()) or not Decimal(text.strip()):
        raise InvalidInput(
            f"{text[:40]!r} is no amount",
            field="ai_session_cost",
            remedy="Write one above nothing, such as 0.05",
        )
    return round(Decimal(text.strip()) * _MILLIONTHS)

"""What an endpoint's owner allows the AI planner."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cronicorn_domain.errors import InvalidInput

MODEL_LENGTH: Final = 128
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")


class AiMode(StrEnum):
    """
    What the planner may do with an endpoint.

    ``off``: it never looks at it. ``suggest``: what it proposes waits for a person's approval.
    ``auto``: what it proposes takes effect, within the guardrails.
    """

    OFF = "off"
    SUGGEST = "suggest"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """The mode, and the model that looks at it; None: the installation's."""

    mode: AiMode = AiMode.OFF
    model: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no model's name."""
        if self.model is None:
            return
        if len(self.model) > MODEL_LENGTH or not _MODEL.fullmatch(self.model):
            raise InvalidInput(
                f"{self.model[:64]!r} is no name of a model",
                field="ai_model",
                remedy="give it as its vendor does, such as gpt-5-mini, or leave it out",
            )


NO_PLANNING: Final = Planning()

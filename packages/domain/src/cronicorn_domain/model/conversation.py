"""What is said to a language model, and what it says: one ask and one answer at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something that the model may ask for; ``parameters`` is the JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model asks for a tool; whether the arguments are good is for others to judge."""

    id: str
    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenCall:
    """The model asks for a tool with what is no JSON object, or was cut off; ``said`` is that."""

    id: str
    tool: str
    said: str


Call = ToolCall | BrokenCall


@dataclass(frozen=True, slots=True)
class Told:
    """What we tell the model."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the model said before, as it is told again."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call that the model asked for."""

    call: Call
    text: str


Message = Told | Said | Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    One question to a model, with all that was said before.

    Attributes:
        model: Its name, as its vendor calls it.
        instructions: What holds for the whole conversation.
        messages: What was said so far, the last of it by us.
        tools: What it may ask for.
        must_call: It has to ask for a tool, and not only talk.
        tokens_most: So many tokens its answer has at most.
        timeout: How long the answer may take in all.
    """

    model: str
    instructions: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    tokens_most: int = 4096
    timeout: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one ask: what the model read, and what it wrote."""

    tokens_in: int
    tokens_out: int

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.tokens_in + self.tokens_out


NO_USAGE = Usage(tokens_in=0, tokens_out=0)


class Finish(StrEnum):
    """Why an answer ended."""

    DONE = "done"
    CUT = "cut"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a model said. It is outside text: data, and never instruction.

    ``finish`` is `CUT` when the answer was longer than it may be, `WITHHELD` when its vendor keeps
    it back. ``usage`` is None when nobody knows it, or what was told cannot be.
    """

    text: str
    calls: tuple[Call, ...]
    finish: Finish
    usage: Usage | None


class Silence(StrEnum):
    """Why there is no answer."""

    TOO_MANY = "too_many"
    OVERLOADED = "overloaded"
    BROKEN = "broken"
    UNREACHABLE = "unreachable"
    TOO_LATE = "too_late"
    UNREADABLE = "unreadable"
    REJECTED = "rejected"


_LASTING = frozenset({Silence.REJECTED, Silence.UNREADABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """
    There is no answer.

    Attributes:
        why: Its kind.
        message: For people; it holds no key.
        retry_after: How long the vendor asks to wait; None: it does not say.
        usage: What it cost; None: nobody knows, and it may have cost all that an answer may.
    """

    why: Silence
    message: str
    retry_after: timedelta | None = None
    usage: Usage | None = None

    @property
    def may_heal(self) -> bool:
        """Whether the same ask may be answered a while later."""
        return self.why not in _LASTING

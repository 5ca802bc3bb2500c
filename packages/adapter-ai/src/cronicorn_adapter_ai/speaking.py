"""How an ask is put into the library's words, and its response into ours."""

import json
from collections.abc import Sequence
from typing import Final, assert_never

from cronicorn_domain.model.conversation import (
    Answer,
    Ask,
    BrokenCall,
    Call,
    Finish,
    Message,
    Result,
    Said,
    Told,
    ToolCall,
    Usage,
)
from cronicorn_domain.model.quota import AMOUNT_MOST
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

_FINISHES: Final = {"length": Finish.CUT, "content_filter": Finish.WITHHELD}


def history_of(ask: Ask) -> list[ModelMessage]:
    """Write what was said so far; what we say without a word in between goes together."""
    history: list[ModelMessage] = []
    ours: list[ModelRequestPart] = []
    for message in ask.messages:
        if isinstance(message, Said):
            history += [*_request(ask, ours), ModelResponse(parts=_said(message))]
            ours = []
        else:
            ours.append(_part(message))
    return [*history, *_request(ask, ours)]


def parameters_of(ask: Ask) -> ModelRequestParameters:
    """Write the tools that the model may ask for."""
    tools = [
        ToolDefinition(
            name=tool.name,
            description=tool.description,
            parameters_json_schema=dict(tool.parameters),
            strict=False,
        )
        for tool in ask.tools
    ]
    return ModelRequestParameters(function_tools=tools)


def settings_of(ask: Ask) -> ModelSettings:
    """Write the bounds of the answer; nobody but us is to try again."""
    settings = ModelSettings(
        max_tokens=ask.tokens_most, timeout=ask.timeout.total_seconds(), max_retries=0
    )
    if ask.must_call:
        settings["tool_choice"] = "required"
    return settings


def answer_of(response: ModelResponse) -> Answer:
    """Read a response. A call at which the answer was cut is broken, however whole it looks."""
    finish = _FINISHES.get(response.finish_reason or "", Finish.DONE)
    parts = response.parts
    calls = [_call(part) for part in parts if isinstance(part, ToolCallPart)]
    if finish is Finish.CUT and calls and isinstance(parts[-1], ToolCallPart):
        calls[-1] = _broken(parts[-1])
    return Answer(
        text="".join(part.content for part in parts if isinstance(part, TextPart)),
        calls=tuple(calls),
        finish=finish,
        usage=_usage(response.usage),
    )


def _request(ask: Ask, parts: Sequence[ModelRequestPart]) -> list[ModelMessage]:
    if not parts:
        return []
    return [ModelRequest(parts=list(parts), instructions=ask.instructions)]


def _part(message: Message) -> ModelRequestPart:
    match message:
        case Told(text=text):
            return UserPromptPart(content=text)
        case Result(call=call, text=text):
            return ToolReturnPart(tool_name=call.tool, content=text, tool_call_id=call.id)
        case Said():
            raise TypeError("what the model said is no part of what we say")
        case _:
            assert_never(message)


def _said(message: Said) -> list[ModelResponsePart]:
    text: list[ModelResponsePart] = [TextPart(content=message.text)] if message.text else []
    return [*text, *map(_call_part, message.calls)]


def _call_part(call: Call) -> ToolCallPart:
    match call:
        case ToolCall(id=key, tool=tool, arguments=arguments):
            return ToolCallPart(tool_name=tool, args=dict(arguments), tool_call_id=key)
        case BrokenCall(id=key, tool=tool, said=said):
            return ToolCallPart(tool_name=tool, args=said, tool_call_id=key)
        case _:
            assert_never(call)


def _call(part: ToolCallPart) -> Call:
    arguments = part.args
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            return _broken(part)
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return _broken(part)
    return ToolCall(id=part.tool_call_id, tool=part.tool_name, arguments=arguments)


def _broken(part: ToolCallPart) -> BrokenCall:
    said = part.args if isinstance(part.args, str) else json.dumps(part.args)
    return BrokenCall(id=part.tool_call_id, tool=part.tool_name, said=said)


def _usage(usage: RequestUsage) -> Usage | None:
    """Read what it cost; None: the vendor did not say, or what cannot be."""
    counts = (usage.input_tokens, usage.output_tokens)
    if usage.unmeasured_requests or not any(counts):
        return None
    if any(not 0 <= each <= AMOUNT_MOST for each in counts):
        return None
    return Usage(tokens_in=counts[0], tokens_out=counts[1])

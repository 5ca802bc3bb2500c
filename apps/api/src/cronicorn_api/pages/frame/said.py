"""What a page says after something was done: kept by the browser from the post to the next page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import Response

from cronicorn_api.access.sign_in import is_local

COOKIE: Final = "cronicorn_said"
_SECONDS: Final = 60
_LENGTH_MOST: Final = 3_900
"""A browser keeps 4,096 bytes of a cookie, its name included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How it is undone: a post of fields to a path of ours."""

    action: str
    label: str = "Undo"
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    A sentence, and maybe how to undo what it tells.

    ``kept`` is what was typed into a form that was refused, with the form as ``form``.
    """

    text: str
    undo: Undo | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


def say(answer: Response, said: Said, *, secure: bool) -> None:
    """Have the next page say it."""
    undo = said.undo
    told: dict[str, str | dict[str, str]] = {"text": said.text, "kept": dict(said.kept)}
    if undo is not None:
        told |= {"action": undo.action, "label": undo.label, "fields": dict(undo.fields)}
    text = urlsafe_b64encode(json.dumps(told, ensure_ascii=False).encode()).decode()
    if len(text) <= _LENGTH_MOST:
        answer.set_cookie(
            COOKIE, text, max_age=_SECONDS, httponly=True, samesite="strict", secure=secure
        )


def said_in(cookies: Mapping[str, str]) -> Said | None:
    """Read what is to be said; what makes no sense is not."""
    text = cookies.get(COOKIE)
    if not text:
        return None
    try:
        told = json.loads(urlsafe_b64decode(text))
        undo = None
        if "action" in told:
            fields = tuple((str(name), str(value)) for name, value in told["fields"].items())
            undo = Undo(action=str(told["action"]), label=str(told["label"]), fields=fields)
        kept = {str(name): str(value) for name, value in told["kept"].items()}
        said = Said(text=str(told["text"]), undo=undo, kept=kept)
    except (ValueError, KeyError, TypeError, AttributeError, Error):
        return None
    return said if said.undo is None or is_local(said.undo.action) else None

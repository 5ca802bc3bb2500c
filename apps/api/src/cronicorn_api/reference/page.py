"""Writes the reference page from the OpenAPI document: plain HTML, which loads nothing."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any, Final

Document = Mapping[str, Any]

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font:0.9em ui-monospace,monospace}"
    "summary{cursor:pointer;padding:.3rem 0}"
    "table{border-collapse:collapse;margin:.5rem 0 1rem}"
    "th,td{text-align:left;vertical-align:top;padding:.15rem 1rem .15rem 0}"
    "section{margin:2rem 0}"
)
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none';"
    f" style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
"""What the page may load: its own style, and nothing else from anywhere."""
_SCHEMAS: Final = "#/components/schemas/"


def reference_page(document: Document) -> str:
    """Return the page: every operation by its tag, then every shape that they speak of."""
    title = _text(document["info"]["title"])
    parts = [
        f"<h1>{title} API</h1>",
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>',
        *(_tag(tag, operations) for tag, operations in _by_tag(document).items()),
        _shapes(document["components"]["schemas"]),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} API</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _by_tag(document: Document) -> Mapping[str, Sequence[str]]:
    tags: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = _operation(method, path, operation)
            tags.setdefault(operation["tags"][0], []).append(told)
    return tags


def _tag(tag: str, operations: Sequence[str]) -> str:
    return f"<section><h2>{_text(tag)}</h2>{''.join(operations)}</section>"


def _operation(method: str, path: str, operation: Document) -> str:
    parts = [f"<p>{_text(operation.get('description', ''))}</p>"]
    if parameters := operation.get("parameters"):
        rows = [_row(each["name"], each["in"], *_about(each)) for each in parameters]
        parts.append(_table("Parameters", rows))
    if body := operation.get("requestBody"):
        parts.append(f"<p>Takes {_content(body)}.</p>")
    rows = [
        _row(status, _content(answer), _text(answer.get("description", "")))
        for status, answer in operation["responses"].items()
    ]
    parts.append(_table("Answers", rows))
    return (
        f'<details id="{_text(operation["operationId"])}"><summary><code>{_text(method.upper())}'
        f" {_text(path)}</code> {_text(operation.get('summary', ''))}</summary>"
        f"{''.join(parts)}</details>"
    )


def _about(parameter: Document) -> Iterator[str]:
    yield _shape(parameter["schema"])
    yield "required" if parameter.get("required") else ""
    yield _text(parameter.get("description") or parameter["schema"].get("description", ""))


def _content(message: Document) -> str:
    kinds = message.get("content", {})
    told = [f"{_text(kind)}: {_shape(each.get('schema', {}))}" for kind, each in kinds.items()]
    return ", ".join(told) or "nothing"


def _shapes(schemas: Document) -> str:
    told = [_object(name, schema) for name, schema in sorted(schemas.items())]
    return f"<section><h2>Shapes</h2>{''.join(told)}</section>"


def _object(name: str, schema: Document) -> str:
    required = schema.get("required", ())
    rows = [
        _row(
            member,
            _shape(each),
            "" if member in required else "optional",
            _text(each.get("description", "")),
        )
        for member, each in schema.get("properties", {}).items()
    ]
    told = _table("Members", rows) if rows else f"<p>{_shape(schema)}</p>"
    return (
        f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>'
        f"<p>{_text(schema.get('description', ''))}</p>{told}</details>"
    )


def _shape(schema: Document) -> str:
    """Tell a schema in a few words, with links to the shapes it names."""
    if "$ref" in schema:
        name = _text(schema["$ref"].removeprefix(_SCHEMAS))
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_shape(each) for each in schema[several])
    if "enum" in schema:
        return " | ".join(f"<code>{_text(each)}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{_text(schema['const'])}</code>"
    if schema.get("type") == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    return " ".join([_text(schema.get("type", "anything")), *_bounds(schema)])


def _bounds(schema: Document) -> Iterator[str]:
    if "format" in schema:
        yield f"({_text(schema['format'])})"
    for word, sign in (("minimum", "≥"), ("maximum", "≤"), ("default", "=")):
        if schema.get(word) is not None:
            yield f"{sign} {_text(schema[word])}"


def _table(title: str, rows: Sequence[str]) -> str:
    return f"<h4>{title}</h4><table>{''.join(rows)}</table>"


def _row(name: str, *cells: str) -> str:
    told = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr><th><code>{_text(name)}</code></th>{told}</tr>"


def _text(value: object) -> str:
    return escape(str(value))

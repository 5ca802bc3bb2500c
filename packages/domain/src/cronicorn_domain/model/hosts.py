"""Which host a request goes to: limits and breakers are kept for each."""

from functools import lru_cache
from urllib.parse import urlsplit

_USUAL_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=65_536)
def host_of(url: str) -> str:
    """
    Return the host of a URL in small letters, with its port unless that is the scheme's own.

    ``https://Shop.example:443/a`` goes to ``shop.example``, ``http://[::1]:80/`` to ``[::1]``.
    A URL without a host that can be read has the empty one: nothing is ever sent to it.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not name:
        return ""
    name = name.removesuffix(".")
    bracketed = f"[{name}]" if ":" in name else name
    return bracketed if port in {None, _USUAL_PORTS.get(parts.scheme)} else f"{bracketed}:{port}"

"""Says whether a URL may be requested at all, before anything is resolved."""

from typing import Protocol


class EgressRules(Protocol):
    """
    Judges a URL when an endpoint is written, without DNS.

    The dispatcher judges again, by address, whenever it sends.
    """

    def check(self, url: str) -> None:
        """
        Accept the URL in silence.

        Raises:
            RefusedUrl: it is malformed, not HTTP, carries credentials, or names an address that is
                not let out. The message names what is wrong; ``remedy`` how an operator allows it.
        """
        ...

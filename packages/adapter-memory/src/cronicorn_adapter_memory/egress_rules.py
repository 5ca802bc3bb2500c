"""Egress rules for where nothing is sent."""


class EveryUrlAllowed:
    """Lets every URL out, unread: for tests and simulations, whose dispatcher sends nothing."""

    def check(self, url: str) -> None:
        """Accept the URL in silence."""

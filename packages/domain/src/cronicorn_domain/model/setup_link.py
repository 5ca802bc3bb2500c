"""A setup link: by which whoever started an installation becomes its owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.model.api_key import KeyDigest

SETUP_LINK_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLink:
    """What is kept of a link's token; it is printed once, and serves once."""

    digest: KeyDigest
    expires_at: datetime

    def holds(self, now: datetime) -> bool:
        """Say whether it may be used; one that expires now has expired."""
        return now < self.expires_at

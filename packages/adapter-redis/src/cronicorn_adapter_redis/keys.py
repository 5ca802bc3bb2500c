"""The keys under which a tenant's counts lie."""

from dataclasses import dataclass

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import Meter, Month


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one tenant uses of one thing in one month; the pace of its asks knows no months."""

    tenant: TenantId
    meter: Meter
    month: Month

    @property
    def used(self) -> str:
        """What was used, added up."""
        return self._of_month("used")

    @property
    def lines(self) -> str:
        """The ledger: a list, the oldest first."""
        return self._of_month("lines")

    @property
    def charged(self) -> str:
        """The ids of what is in the ledger, as long as anybody may tell it again."""
        return self._of_month("charged")

    @property
    def holds(self) -> str:
        """The reservations by their expiry."""
        return self._of_month("holds")

    @property
    def amounts(self) -> str:
        """Their amounts."""
        return self._of_month("amounts")

    @property
    def begun(self) -> str:
        """The instant at which the asks so far are worked off."""
        return f"{self._prefix}:begun"

    @property
    def _prefix(self) -> str:
        return f"cronicorn:{{{self.tenant}}}:{self.meter}"

    def _of_month(self, what: str) -> str:
        return f"{self._prefix}:{self.month.begins:%Y-%m}:{what}"

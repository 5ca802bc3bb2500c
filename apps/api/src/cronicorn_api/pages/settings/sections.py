"""The pages that settings consist of."""

from typing import Final

SECTIONS: Final = (
    ("/settings/profile", "Profile"),
    ("/settings/keys", "API keys"),
    ("/settings/devices", "Devices"),
    ("/settings/signing", "Signing"),
    ("/settings/usage", "Usage"),
    ("/settings/alerts", "Alerts"),
    ("/settings/audit", "Audit"),
    ("/settings/system", "System"),
)


def tabs_at(path: str) -> list[tuple[str, str, bool]]:
    """Return every section, and which of them one is at."""
    return [(href, word, path == href or path.startswith(f"{href}/")) for href, word in SECTIONS]

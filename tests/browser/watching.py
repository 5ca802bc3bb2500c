"""What a browser complains of, collected; and what axe finds on a page."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request, Response

AXE = (Path(__file__).parent / "vendored" / "axe-core" / "axe.min.js").read_text("utf-8")
_VIOLATIONS = """async (only) => {
  const rules = only ? { runOnly: [only] } : {};
  const found = await axe.run(document, { resultTypes: ["violations"], ...rules });
  return found.violations.map((each) => ({
    rule: each.id, help: each.help, nodes: each.nodes.map((node) => node.html.slice(0, 200)),
  }));
}"""
_POLICY = """
window.__broken = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__broken.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Complaints:
    """Everything that went wrong in a page, unless it was foreseen."""

    said: list[str] = field(default_factory=list)
    foreseen: list[str] = field(default_factory=list)

    def foresee(self, text: str) -> None:
        """Pass over what holds this text: the test is about it."""
        self.foreseen.append(text)

    @property
    def left(self) -> list[str]:
        """What nobody foresaw."""
        return [each for each in self.said if not any(text in each for text in self.foreseen)]


def watch(page: Page) -> Complaints:
    """Collect what goes wrong in a page from now on."""
    complaints = Complaints()

    def of_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.said.append(f"console {message.type}: {message.text} {message.location}")

    def of_request(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a stream that is closed, a page that is left
            complaints.said.append(f"failed: {request.method} {request.url} {request.failure}")

    def of_response(response: Response) -> None:
        if response.status >= 400:
            complaints.said.append(f"status {response.status}: {response.url}")

    page.on("console", of_console)
    page.on("pageerror", lambda error: complaints.said.append(f"error: {error}"))
    page.on("requestfailed", of_request)
    page.on("response", of_response)
    page.on("dialog", lambda dialog: _dialog(complaints, dialog.message, dialog.dismiss))
    page.add_init_script(_POLICY)
    return complaints


def _dialog(complaints: Complaints, message: str, dismiss: Callable[[], None]) -> None:
    complaints.said.append(f"a dialog of the browser: {message}")
    dismiss()


def audit(page: Page, *, only: str | None = None) -> None:
    """Assert that axe finds nothing, by all of its rules or by one."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(_VIOLATIONS, only)

    assert not found, json.dumps(found, indent=1)

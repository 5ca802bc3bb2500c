"""Results as they come, kept so that whoever is stopped goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tools.soak.result import Result
from tools.soak.site import Size


@dataclass(slots=True)
class Results:
    """Results by name, a line of JSON each; a file of another size or commit is begun anew."""

    file: Path
    size: Size
    commit: str
    known: dict[str, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what there is."""
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        if not lines or json.loads(lines[0]) != self._head():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self._head()) + "\n", "utf-8")
            return
        for line in lines[1:]:
            result = Result.from_document(json.loads(line))
            self.known[result.name] = result

    def keep(self, result: Result) -> None:
        """Add a result."""
        self.known[result.name] = result
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result.document()) + "\n")

    def _head(self) -> Mapping[str, Any]:
        return {"commit": self.commit, "size": asdict(self.size)}

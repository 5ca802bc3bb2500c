"""What has been found out, kept as it goes: who is stopped goes on where it was."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tools.plant.catcher import Catch, Verdict

SOUND = "(no fault)"
"""The name under which catchers are tried on the code as it is."""


@dataclass(slots=True)
class Results:
    """
    Catches by fault and catcher, in a file of one line each.

    A file that tells of other code is begun anew.
    """

    file: Path
    code: str
    known: dict[tuple[str, str, str], Catch] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        if not lines or json.loads(lines[0]) != {"code": self.code}:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps({"code": self.code}) + "\n", "utf-8")
            return
        for line in lines[1:]:
            told = json.loads(line)
            key = (told["fault"], told["version"], told["catcher"])
            catch = Catch(verdict=Verdict(told["verdict"]), by=told["by"], seconds=told["seconds"])
            self.known[key] = catch

    def of(self, fault: str, version: str, catcher: str) -> Catch | None:
        """Return what is known; what hung, was unsure or broke is to be tried again."""
        catch = self.known.get((fault, version, catcher))
        again = {Verdict.HUNG, Verdict.UNSURE, Verdict.BROKEN}
        return None if catch is None or catch.verdict in again else catch

    def keep(self, fault: str, version: str, catcher: str, catch: Catch) -> None:
        """Add a catch."""
        self.known[fault, version, catcher] = catch
        told = {
            "fault": fault,
            "version": version,
            "catcher": catcher,
            "verdict": catch.verdict,
            "by": catch.by,
            "seconds": round(catch.seconds, 1),
        }
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")

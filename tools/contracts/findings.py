"""A contract type whose verdict is a list of places in the source."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output
from rich.markup import escape

from tools.contracts.sources import SourceModule, load


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that breaks a contract, and what is wrong there."""

    module: str
    line: int
    text: str


class FindingsContract(Contract):
    """Judges the modules of all root packages by their source; kept when nothing is found."""

    @abstractmethod
    def find(self, modules: Mapping[str, SourceModule]) -> Iterable[Finding]:
        """Yield every place that breaks the contract."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  the plugin interface
        """Judge the source; the graph is not needed, since it knows no names."""
        findings = sorted(set(self.find(load(self.session_options["root_packages"]))))
        return ContractCheck(kept=not findings, metadata={"findings": findings})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per finding."""
        for finding in check.metadata["findings"]:
            where = f"{finding.module}:{finding.line}"
            output.print_error(escape(f"{where}: {finding.text}"), bold=False)
        output.new_line()

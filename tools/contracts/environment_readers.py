"""The contract type ``environment_readers``: settings come in through parameters."""

from collections.abc import Iterable, Iterator, Mapping

from importlinter import fields

from tools.contracts.findings import Finding, FindingsContract
from tools.contracts.names import Names, SymbolName
from tools.contracts.permissions import is_within, strings
from tools.contracts.sources import SourceModule

ENVIRONMENT = {SymbolName("os", name) for name in ("environ", "environb", "getenv", "getenvb")}


class EnvironmentReadersContract(FindingsContract):
    """
    Only these read environment variables.

    Options:
        readers: the modules that may, with all inside them.
    """

    type_name = "environment_readers"

    readers = fields.SetField(subfield=fields.StringField())

    def find(self, modules: Mapping[str, SourceModule]) -> Iterable[Finding]:
        """Yield every other module's use of the environment."""
        known = Names(modules)
        for module in modules.values():
            if not any(is_within(module.name, reader) for reader in strings(self.readers)):
                for line in _readings(module, known):
                    yield Finding(module.name, line, "reads the environment")


def _readings(module: SourceModule, known: Names) -> Iterator[int]:
    for imported in module.imports:
        if known.imported(imported, within=module) in ENVIRONMENT:
            yield imported.line
    for node in module.attributes:
        if known.meaning(node, within=module) in ENVIRONMENT:
            yield node.lineno

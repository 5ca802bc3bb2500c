"""The contract type ``technology_homes``: a library is used in the place made for it."""

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property

from importlinter import fields

from tools.contracts.findings import Finding, FindingsContract
from tools.contracts.permissions import Permission, is_within, permissions, strings
from tools.contracts.sources import SourceModule, with_packages


class TechnologyHomesContract(FindingsContract):
    """
    Each library is imported only from its homes, and a library without a home from nowhere.

    Parts of the standard library are free to all unless they are listed.

    Options:
        homes: ``home -> library``, one per line; a library may have several.
        homeless: parts of the standard library that nobody may import. (Optional.)
    """

    type_name = "technology_homes"

    homes = fields.SetField(subfield=fields.ImportExpressionField())
    homeless = fields.SetField(subfield=fields.StringField(), required=False)

    def find(self, modules: Mapping[str, SourceModule]) -> Iterable[Finding]:
        """Yield the imports of a library from outside its homes."""
        workspace = {name.partition(".")[0] for name in modules}
        for module in modules.values():
            for imported in module.imports:
                dotted = imported.dotted
                if dotted.partition(".")[0] in workspace or self._is_free(dotted):
                    continue
                if not any(
                    home.covers(importer=module.name, imported=dotted) for home in self._permitted
                ):
                    yield Finding(module.name, imported.line, self._refusal(dotted))

    @cached_property
    def _permitted(self) -> list[Permission]:
        return permissions(self.homes)

    @cached_property
    def _listed(self) -> set[str]:
        return {*strings(self.homeless), *(home.imported for home in self._permitted)}

    def _is_free(self, dotted: str) -> bool:
        is_standard = dotted.partition(".")[0] in sys.stdlib_module_names
        return is_standard and self._listed.isdisjoint(with_packages(dotted))

    def _refusal(self, dotted: str) -> str:
        homes = [home.importer for home in self._permitted if is_within(dotted, home.imported)]
        return f"imports {dotted}, whose home is {' or '.join(homes) or 'nowhere'}"

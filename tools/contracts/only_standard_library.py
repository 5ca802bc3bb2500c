"""The contract type ``only_standard_library``: a package that needs nothing installed."""

import sys
from collections.abc import Iterable, Mapping

from importlinter import fields

from tools.contracts.findings import Finding, FindingsContract
from tools.contracts.permissions import is_within, permissions, strings
from tools.contracts.sources import SourceModule


class OnlyStandardLibraryContract(FindingsContract):
    """
    The packages import nothing from outside the workspace but the standard library.

    Which packages of the workspace they may import is for the layers to say.

    Options:
        packages: the packages judged, with all inside them.
        except_for: ``importer -> imported``, one per line. (Optional.)
    """

    type_name = "only_standard_library"

    packages = fields.SetField(subfield=fields.StringField())
    except_for = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def find(self, modules: Mapping[str, SourceModule]) -> Iterable[Finding]:
        """Yield the imports of installed packages."""
        at_hand = sys.stdlib_module_names | {name.partition(".")[0] for name in modules}
        excepted = permissions(self.except_for)
        for module in modules.values():
            if not any(is_within(module.name, package) for package in strings(self.packages)):
                continue
            for imported in module.imports:
                known = imported.dotted.partition(".")[0] in at_hand
                what = {"importer": module.name, "imported": imported.dotted}
                if not known and not any(permission.covers(**what) for permission in excepted):
                    text = f"imports {imported.dotted}, which is not in the standard library"
                    yield Finding(module.name, imported.line, text)

"""Says what a dotted expression in a module's source stands for."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from tools.contracts.sources import Imported, SourceModule


@dataclass(frozen=True, slots=True)
class ModuleName:
    """The expression is a module."""

    module: str


@dataclass(frozen=True, slots=True)
class SymbolName:
    """The expression is a module-level name of a module."""

    module: str
    symbol: str


Meaning = ModuleName | SymbolName


class Names:
    """
    Follows imported names through the workspace.

    Functions' own scopes are not told apart: a parameter that bears the name of an imported
    module is taken for it.
    """

    def __init__(self, modules: Mapping[str, SourceModule]) -> None:
        self._modules = modules

    def meaning(self, expression: ast.expr, *, within: SourceModule) -> Meaning | None:
        """
        Resolve ``name`` or ``name.attribute…`` to what an import brought in.

        None for whatever the module makes itself, and for attributes of anything but a module:
        a member of an imported class is not a name of the class's module.
        """
        match expression:
            case ast.Name(id=local):
                imported = within.imports_by_local.get(local)
                return self.imported(imported, within=within) if imported else None
            case ast.Attribute(value=value, attr=attribute):
                match self.meaning(value, within=within):
                    case ModuleName(module):
                        return self._member(module, attribute, within=within)
                    case _:
                        return None
            case _:
                return None

    def imported(self, imported: Imported, *, within: SourceModule) -> Meaning:
        """Say what an import statement brings in."""
        if imported.symbol is None:
            return ModuleName(imported.module)
        return self._member(imported.module, imported.symbol, within=within)

    def home(self, name: SymbolName) -> str | None:
        """Name the module that defines the symbol; None when nobody does, or in a circle."""
        seen: set[SymbolName] = set()
        while name not in seen:
            seen.add(name)
            module = self._modules.get(name.module)
            if module is None:
                return name.module
            match self._one_step(module, name.symbol):
                case ModuleName(found):
                    return found
                case SymbolName() as further:
                    name = further
                case None:
                    return module.name if name.symbol in module.assigned_names else None
        return None

    def _one_step(self, module: SourceModule, symbol: str) -> Meaning | None:
        if symbol in module.imported_names:
            return self.imported(module.imports_by_local[symbol], within=module)
        binding = module.re_bindings.get(symbol)
        if binding is None:
            return None
        match binding.value:
            case ast.Name(id=local) if local in module.assigned_names - module.imported_names:
                return SymbolName(module.name, local)
            case value:
                return self.meaning(value, within=module)

    def _member(self, module: str, symbol: str, *, within: SourceModule) -> Meaning:
        dotted = f"{module}.{symbol}"
        if dotted in self._modules or dotted in within.named_modules:
            return ModuleName(dotted)
        return SymbolName(module, symbol)

"""
The contract type ``no_re_exports``: a name is imported from the module that defines it.

A re-export is whatever lets a name be imported from a module that does not define it. The
forms that offer one are refused where they stand, and the imports that use one where they are
made, in the same package as well as across packages. ``__init__.py`` files are empty.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping

from tools.contracts.findings import Finding, FindingsContract
from tools.contracts.names import Names, SymbolName
from tools.contracts.sources import SourceModule

Place = tuple[int, str]
"""A line, and what is wrong there."""


class NoReExportsContract(FindingsContract):
    """Every name has one home, and is imported from there."""

    type_name = "no_re_exports"

    def find(self, modules: Mapping[str, SourceModule]) -> Iterable[Finding]:
        """Apply every rule to every module."""
        workspace = Workspace(modules)
        return (
            Finding(module.name, line, text)
            for module in modules.values()
            for rule in RULES
            for line, text in rule(module, workspace)
        )


class Workspace:
    """The modules that have to be the home of what is taken from them."""

    def __init__(self, modules: Mapping[str, SourceModule]) -> None:
        self.modules = modules
        self.names = Names(modules)

    def defines(self, name: SymbolName) -> bool:
        """Whether the module is the symbol's home; packages from elsewhere answer for theirs."""
        return self.names.home(name) == name.module

    def passes_on(self, name: SymbolName) -> bool:
        """Whether the module merely knows the symbol of another one."""
        return self.names.home(name) not in {name.module, None}


def content_of_init(module: SourceModule, _: Workspace) -> Iterator[Place]:
    """Refuse any content of an ``__init__.py``."""
    if module.is_package and module.text.strip():
        yield 1, "__init__.py is not empty"


def star_imports(module: SourceModule, _: Workspace) -> Iterator[Place]:
    """Refuse ``from x import *``."""
    for imported in module.imports:
        if imported.symbol == "*":
            yield imported.line, f"star-imports {imported.module}"


def self_aliases(module: SourceModule, _: Workspace) -> Iterator[Place]:
    """Refuse ``import x as x`` and ``from x import y as y``."""
    for imported in module.imports:
        if imported.self_aliased:
            yield imported.line, f"re-exports {imported.dotted}: it is imported 'as' itself"


def module_getattr(module: SourceModule, _: Workspace) -> Iterator[Place]:
    """Refuse a module-level ``__getattr__``: it can answer with anybody's names."""
    if "__getattr__" in module.assigned_names | module.imported_names:
        yield 1, "has a module-level __getattr__, which can hide a re-export"


def foreign_names_in_all(module: SourceModule, workspace: Workspace) -> Iterator[Place]:
    """Refuse names in ``__all__`` that the module does not define, and lists it computes."""
    if "__all__" in module.imported_names:
        yield module.imports_by_local["__all__"].line, "imports __all__ from elsewhere"
    for value in _values_given_to_all(module.statements):
        listed = _names_written_in(value)
        if listed is None:
            yield value.lineno, "computes __all__: write the names out"
            continue
        for name in listed:
            if not workspace.defines(SymbolName(module.name, name)):
                yield value.lineno, f"lists {name!r} in __all__, and does not define it"


def public_re_bindings(module: SourceModule, workspace: Workspace) -> Iterator[Place]:
    """Refuse ``Y = foreign.X`` and ``Y = X`` of an imported ``X``, by way of ``_z`` too."""
    for binding in module.re_bindings.values():
        name = SymbolName(module.name, binding.name)
        if not binding.name.startswith("_") and workspace.passes_on(name):
            what, home = ast.unparse(binding.value), workspace.names.home(name)
            yield binding.line, f"re-binds {what} of {home} as public {binding.name}"


def imports_through_others(module: SourceModule, workspace: Workspace) -> Iterator[Place]:
    """Refuse importing a name from a module that does not define it, at any depth."""
    for imported in module.imports:
        if imported.symbol == "*":
            continue
        match workspace.names.imported(imported, within=module):
            case SymbolName() as name if not workspace.defines(name):
                yield imported.line, f"imports {name.symbol} from {_blame(name, workspace)}"
            case _:
                pass


def attributes_through_others(module: SourceModule, workspace: Workspace) -> Iterator[Place]:
    """Refuse ``module.Name`` where the module only imports ``Name`` itself."""
    for node in module.attributes:
        match workspace.names.meaning(node, within=module):
            case SymbolName() as name if workspace.passes_on(name):
                yield node.lineno, f"uses {ast.unparse(node)} of {_blame(name, workspace)}"
            case _:
                pass


Rule = Callable[[SourceModule, Workspace], Iterator[Place]]
RULES: tuple[Rule, ...] = (
    content_of_init,
    star_imports,
    self_aliases,
    module_getattr,
    foreign_names_in_all,
    public_re_bindings,
    imports_through_others,
    attributes_through_others,
)


def _blame(name: SymbolName, workspace: Workspace) -> str:
    home = workspace.names.home(name)
    return f"{name.module}, " + (f"but {home} defines it" if home else "which does not define it")


def _values_given_to_all(statements: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=value) if any(map(_is_all, targets)):
                yield value
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
            ) if _is_all(target):
                yield value
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner), args=[*_, value])) if (
                _is_all(owner)
            ):
                yield value
            case _:
                pass


def _names_written_in(value: ast.expr) -> list[str] | None:
    match value:
        case ast.Constant(value=str() as name):
            return [name]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            names = [item.value for item in items if isinstance(item, ast.Constant)]
            written = [name for name in names if isinstance(name, str)]
            return written if len(written) == len(items) else None
        case _:
            return None


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"

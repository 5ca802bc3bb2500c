"""The modules of the workspace as syntax trees: import-linter's graph knows modules, not names."""

import ast
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """
    One name that an import statement binds.

    Attributes:
        local: The name bound in the importing module; ``*`` for a star import.
        module: The absolute name of the module that the statement names.
        symbol: The name taken from it; None when the module itself is bound.
        dotted: What is imported, in full: ``import a.b`` binds ``a``, and imports ``a.b``.
        self_aliased: Whether the name is bound ``as`` itself, the mark of a re-export.
    """

    local: str
    module: str
    symbol: str | None
    dotted: str
    line: int
    self_aliased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A module-level name that is bound to another name: ``name = value``."""

    name: str
    value: ast.Name | ast.Attribute
    line: int


class SourceModule:
    """A parsed module, and what it binds."""

    def __init__(self, *, name: str, path: Path, text: str) -> None:
        self.name = name
        self.path = path
        self.text = text
        self.is_package = path.name == "__init__.py"
        self.tree = ast.parse(text, filename=str(path))

    @cached_property
    def imports(self) -> tuple[Imported, ...]:
        """Every name that an import binds, at any depth of the file."""
        return tuple(
            imported
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for imported in self._imported_by(node)
        )

    @cached_property
    def imports_by_local(self) -> Mapping[str, Imported]:
        """The imports under the names they are known by here; the first of equals."""
        return {imported.local: imported for imported in reversed(self.imports)}

    @cached_property
    def attributes(self) -> tuple[ast.Attribute, ...]:
        """Every ``name.attribute…`` whose first name an import binds."""
        return tuple(
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and _first_name(node) in self.imports_by_local
        )

    @cached_property
    def named_modules(self) -> frozenset[str]:
        """Every module that an import statement names, and the packages above it."""
        named = {
            imported.dotted if imported.symbol is None else imported.module
            for imported in self.imports
        }
        return frozenset(package for name in named for package in with_packages(name))

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """The statements that run at import time, inside ``if``, ``try`` and the like too."""
        return tuple(_module_level(self.tree.body))

    @cached_property
    def re_bindings(self) -> Mapping[str, Binding]:
        """The module-level assignments of a name to a name, tuples taken apart."""
        return {
            target.id: Binding(name=target.id, value=value, line=statement.lineno)
            for statement in self.statements
            for target, value in _assigned_pairs(statement)
            if isinstance(target, ast.Name) and isinstance(value, ast.Name | ast.Attribute)
        }

    @cached_property
    def imported_names(self) -> frozenset[str]:
        """The module-level names that an import binds."""
        symbols = self._table.get_symbols()
        return frozenset(symbol.get_name() for symbol in symbols if symbol.is_imported())

    @cached_property
    def assigned_names(self) -> frozenset[str]:
        """The module-level names that a definition or an assignment binds."""
        here = {symbol.get_name() for symbol in self._table.get_symbols() if symbol.is_assigned()}
        return frozenset(here | set(_assigned_as_global(self._table)))

    @cached_property
    def _table(self) -> symtable.SymbolTable:
        return symtable.symtable(self.text, str(self.path), "exec")

    def _imported_by(self, node: ast.Import | ast.ImportFrom) -> Iterator[Imported]:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module, symbol = self._absolute(node), alias.name
                dotted, local = f"{module}.{symbol}", alias.asname or symbol
            else:
                module, symbol = alias.name if alias.asname else alias.name.partition(".")[0], None
                dotted, local = alias.name, alias.asname or module
            yield Imported(
                local=local,
                module=module,
                symbol=symbol,
                dotted=dotted,
                line=node.lineno,
                self_aliased=alias.asname == alias.name,
            )

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        steps_up = node.level - 1 if self.is_package else node.level
        base = self.name.split(".")[:-steps_up] if steps_up else self.name.split(".")
        return ".".join([*base, *([node.module] if node.module else [])])


def load(packages: Iterable[str]) -> Mapping[str, SourceModule]:
    """
    Read every Python file of the packages, folders without ``__init__.py`` included.

    They are read once: whoever changes them says so with `forget`.
    """
    return _loaded(frozenset(packages))


def forget() -> None:
    """Read the files anew when they are needed next; those that are as before are not parsed."""
    _loaded.cache_clear()


@cache
def _loaded(packages: frozenset[str]) -> Mapping[str, SourceModule]:
    modules: dict[str, SourceModule] = {}
    for package in sorted(packages):
        for folder in _folders_of(package):
            for path in folder.rglob("*.py"):
                name = ".".join((package, *path.parts[len(folder.parts) : -1], path.stem))
                name = name.removesuffix(".__init__")
                modules[name] = _parsed(name, path, path.read_text("utf-8"))
    return modules


def with_packages(name: str) -> Iterator[str]:
    """Yield ``a``, ``a.b`` and ``a.b.c`` for ``a.b.c``."""
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


@cache
def _parsed(name: str, path: Path, text: str) -> SourceModule:
    return SourceModule(name=name, path=path, text=text)


def _folders_of(package: str) -> list[Path]:
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(package)
    return [Path(location) for location in spec.submodule_search_locations]


def _first_name(node: ast.Attribute) -> str | None:
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else None


def _module_level(body: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _module_level(ast.iter_child_nodes(node))


def _assigned_as_global(table: symtable.SymbolTable) -> Iterator[str]:
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                yield symbol.get_name()
        yield from _assigned_as_global(child)


def _assigned_pairs(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _taken_apart(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield target, value
        case _:
            pass


def _taken_apart(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    match target, value:
        case (
            ast.Tuple(elts=names) | ast.List(elts=names),
            ast.Tuple(elts=values) | ast.List(elts=values),
        ) if len(names) == len(values):
            for inner_target, inner_value in zip(names, values, strict=True):
                yield from _taken_apart(inner_target, inner_value)
        case _:
            yield target, value

"""Every port has a contract suite, and every adapter that implements the port runs it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

PURE_DATA: Mapping[str, str] = {}
"""Modules among the ports that promise nothing, each with the reason why it lies there."""


@dataclass(frozen=True, slots=True)
class Class:
    """A class statement: its name, and the last names of its bases."""

    name: str
    bases: frozenset[str]


def classes_in(*files: Path) -> list[Class]:
    """Read the module-level classes of some files."""
    return [
        Class(node.name, frozenset(last_name(base) for base in node.bases))
        for file in files
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]


def last_name(base: ast.expr) -> str:
    """Reduce ``a.B[C]`` to ``B``."""
    match base:
        case ast.Subscript(value=value):
            return last_name(value)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def protocols(port: Path) -> set[str]:
    """Name the protocols that a module among the ports defines."""
    return {each.name for each in classes_in(port) if "Protocol" in each.bases}


def suites_of(port: str, *, domain: Path, ports: set[str]) -> list[Class]:
    """Return the suites of a port: the classes of ``PORT_contract.py`` and of what it grew into."""
    files = [
        file
        for file in (domain / "testing").rglob("*_contract.py")
        if port == max((p for p in ports if file.stem.startswith(f"{p}_")), key=len, default="")
    ]
    return [each for each in classes_in(*files) if each.name.endswith("Contract")]


def implements(adapter: Path, names: set[str]) -> bool:
    """
    Whether a class of the adapter bears the name of a protocol, or inherits from it.

    One word names the port and its implementations: ``SqlEndpointQueue`` is an ``EndpointQueue``.
    """
    return any(
        each.bases & names or each.name.endswith(tuple(names))
        for each in classes_in(*(adapter / "src").rglob("*.py"))
    )


def suites_run_by(adapter: Path) -> set[str]:
    """Name every class that a collected test class of the adapter inherits, however far off."""
    known = {each.name: each.bases for each in classes_in(*(adapter / "tests").rglob("*.py"))}
    inherited: set[str] = set()
    waiting = [name for name in known if name.startswith("Test")]
    while waiting:
        bases = known.get(waiting.pop(), frozenset()) - inherited
        inherited |= bases
        waiting.extend(bases)
    return inherited


def gaps(root: Path, *, pure_data: Mapping[str, str]) -> Iterator[str]:
    """Say in a sentence each what stands between the ports and their proof."""
    domain = root / "packages/domain/src/cronicorn_domain"
    ports = {file.stem: file for file in (domain / "ports").rglob("[!_]*.py")}
    if not ports:
        yield "there are no ports"
    for port, file in sorted(ports.items()):
        names = protocols(file)
        if bool(names) == (port in pure_data):
            yield f"{port} defines no protocol" if not names else f"{port} is not pure data"
        elif names:
            suites = suites_of(port, domain=domain, ports=set(ports))
            yield from gaps_of_port(port, names=names, suites=suites, root=root)


def gaps_of_port(port: str, *, names: set[str], suites: list[Class], root: Path) -> Iterator[str]:
    """
    Look for the port's suites, its adapters, and what each of these leaves untested.

    A suite that extends another promises more than every adapter can (a real wire, say): each
    adapter runs the plain ones, by way of an extension or not, and an extension is run by some.
    """
    if not suites:
        yield f"{port} has no contract suite"
    adapters = sorted(each for each in root.glob("packages/adapter-*") if implements(each, names))
    if not adapters:
        yield f"{port} has no adapter"
    extended = {each.name: each.bases & {suite.name for suite in suites} for each in suites}
    run = {adapter.name: with_bases(suites_run_by(adapter), extended) for adapter in adapters}
    for suite in sorted(extended):
        if not extended[suite]:
            yield from (f"{name} does not run {suite}" for name in run if suite not in run[name])
        elif not any(suite in each for each in run.values()):
            yield f"no adapter runs {suite}"


def with_bases(names: set[str], extended: Mapping[str, frozenset[str]]) -> set[str]:
    """Add the suites that those named extend."""
    found, waiting = set(names), list(names)
    while waiting:
        bases = extended.get(waiting.pop(), frozenset()) - found
        found |= bases
        waiting.extend(bases)
    return found


def write(root: Path, files: Mapping[str, str]) -> None:
    """Lay out a small tree."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


PORT = "packages/domain/src/cronicorn_domain/ports/clock.py"
SUITE = "packages/domain/src/cronicorn_domain/testing/clock_contract.py"
ADAPTER = "packages/adapter-memory/src/cronicorn_adapter_memory/clock.py"
TEST = "packages/adapter-memory/tests/test_clock.py"
WHOLE = {
    PORT: "class Clock(Protocol): ...",
    SUITE: "class ClockContract: ...",
    ADAPTER: "class ManualClock: ...",
    TEST: "class Shared(suite.ClockContract): ...\nclass TestManualClock(Shared): ...",
}


def test_every_port_is_proven_by_every_adapter() -> None:
    """Trap T42: every port has a suite, and each adapter that implements it inherits all of it."""
    assert list(gaps(ROOT, pure_data=PURE_DATA)) == []


def test_an_extension_stands_for_the_suite_it_extends(tmp_path: Path) -> None:
    """Some adapter runs it, and for that one it counts as the plain suite, too."""
    extension = "class ClockContract: ...\nclass WireClockContract(ClockContract): ..."
    write(tmp_path, {**WHOLE, SUITE: extension})
    assert list(gaps(tmp_path, pure_data={})) == ["no adapter runs WireClockContract"]

    write(tmp_path, {TEST: "class TestManualClock(suite.WireClockContract): ..."})
    assert list(gaps(tmp_path, pure_data={})) == []


def test_a_proven_port_has_no_gap(tmp_path: Path) -> None:
    """A suite counts when it is inherited by way of another class, and from another module."""
    write(tmp_path, WHOLE)

    assert list(gaps(tmp_path, pure_data={})) == []


def test_an_empty_tree_proves_nothing(tmp_path: Path) -> None:
    """Looking for ports in the wrong place is not taken for having none to prove."""
    assert list(gaps(tmp_path, pure_data={})) == ["there are no ports"]


def test_a_port_without_suite_is_found(tmp_path: Path) -> None:
    """A port whose suite module holds no suite is named."""
    write(tmp_path, WHOLE | {SUITE: "class Helper: ..."})

    assert list(gaps(tmp_path, pure_data={})) == ["clock has no contract suite"]


def test_a_port_without_adapter_is_found(tmp_path: Path) -> None:
    """A port that nothing implements is named."""
    write(tmp_path, WHOLE | {ADAPTER: "class Other: ..."})

    assert list(gaps(tmp_path, pure_data={})) == ["clock has no adapter"]


def test_an_adapter_that_skips_the_suite_is_found(tmp_path: Path) -> None:
    """An adapter whose collected test classes inherit no suite is named."""
    write(tmp_path, WHOLE | {TEST: "class Shared(ClockContract): ...\nclass TestOther: ..."})

    assert list(gaps(tmp_path, pure_data={})) == ["adapter-memory does not run ClockContract"]


def test_an_adapter_that_skips_a_part_is_found(tmp_path: Path) -> None:
    """A suite that grew into several classes has to be inherited as a whole."""
    grown = SUITE.replace("clock_contract", "clock_sleep_contract")
    write(tmp_path, WHOLE | {grown: "class ClockSleepContract: ..."})

    assert list(gaps(tmp_path, pure_data={})) == ["adapter-memory does not run ClockSleepContract"]


def test_pure_data_among_the_ports_needs_a_reason(tmp_path: Path) -> None:
    """A module without a protocol is accepted where a reason is given, and only there."""
    write(tmp_path, {PORT: "class Reading: ..."})

    assert list(gaps(tmp_path, pure_data={})) == ["clock defines no protocol"]
    assert list(gaps(tmp_path, pure_data={"clock": "what a clock returns"})) == []


def test_a_port_is_not_excused_as_pure_data(tmp_path: Path) -> None:
    """A module that does define a protocol is not excused."""
    write(tmp_path, WHOLE)

    assert list(gaps(tmp_path, pure_data={"clock": "is it?"})) == ["clock is not pure data"]

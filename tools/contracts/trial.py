"""
Plants faults in a copy of the tree and says which contracts break, one process for all of them.

Run from the root of the copy, with its source folders first on the path:
``python -m tools.contracts.trial < plantings.json > verdicts.json``. A planting maps the names of
modules to source text, which is added at their end; modules and packages are made as needed. The
verdicts map each planting's name to the sorted ids of the broken contracts; each planting is gone
again before the next one.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from importlinter import configuration
from importlinter.application import use_cases

from tools.contracts.sources import forget

Planting = Mapping[str, str]


def verdicts(plantings: Mapping[str, Planting]) -> dict[str, list[str]]:
    """Plant each in turn and collect the ids of the contracts that it breaks."""
    configuration.configure()
    # Linting once is what makes the contract types of the configuration known.
    use_cases.lint_imports(cache_dir=None, no_logo=True)
    found = {}
    for name, planting in plantings.items():
        with ExitStack() as planted:
            for module, text in planting.items():
                planted.enter_context(_added(text, module))
            forget()
            found[name] = broken_contracts()
    return found


def broken_contracts() -> list[str]:
    """
    Check every contract on the tree as it is now.

    Raises:
        RuntimeError: the configuration could not be used.
    """
    report = use_cases.create_report(use_cases.read_user_options(), cache_dir=None)
    if report.could_not_run:
        raise RuntimeError(report.invalid_contract_options)
    return sorted(
        contract.contract_options["id"]
        for contract, check in report.get_contracts_and_checks()
        if not check.kept
    )


@contextmanager
def _added(text: str, module: str) -> Iterator[None]:
    path = _file_of(module)
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in made:
        (folder / "__init__.py").touch()
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text((before or "") + text, "utf-8")
    yield
    if before is None:
        path.unlink()
    else:
        path.write_text(before, "utf-8")
    for folder in made:
        (folder / "__init__.py").unlink()
        folder.rmdir()


def _file_of(module: str) -> Path:
    """Find the file that a module has or would have; a package's is a module inside it."""
    root, *inner = module.split(".")
    spec = find_spec(root)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(root)
    if not Path(spec.origin).is_relative_to(Path.cwd()):
        message = f"{root} is found at {spec.origin}, outside the copy"
        raise RuntimeError(message)
    folder = Path(spec.origin).parent.joinpath(*inner)
    return folder / "planted.py" if folder.is_dir() else folder.with_suffix(".py")


if __name__ == "__main__":
    if Path(".git").exists():
        sys.exit("this is no copy: plant faults in one, not in the repository")
    with redirect_stdout(sys.stderr):
        judged = verdicts(json.load(sys.stdin))
    json.dump(judged, sys.stdout)

"""Every contract of ``.importlinter`` breaks when its fault is planted, and none besides."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[1]

HOME = "cronicorn_domain.planted_home"
MIDDLE = "cronicorn_domain.planted_middle"
USER = "cronicorn_domain.planted_user"
STRANGER = "cronicorn_scheduler.planted_user"

A_HOME = """
from enum import Enum
class Thing: ...
class Colour(Enum):
    RED = 1
LIMIT = 3
"""
A_MIDDLE = f"""
import datetime
from datetime import timedelta
from {HOME} import Thing, LIMIT as MOST
class Own(Thing): ...
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Source added to modules of the tree, and the contracts that it has to break."""

    name: str
    planting: Mapping[str, str]
    broken: frozenset[str]


def case(name: str, planting: Mapping[str, str], *broken: str) -> Case:
    """Make a case; without contracts named, the planting is one that must pass."""
    return Case(name, planting, frozenset(broken))


def one(name: str, module: str, text: str, *broken: str) -> Case:
    """Plant one line in one module."""
    return case(name, {module: f"{text}\n"}, *broken)


def re_export(name: str, text: str, *broken: str, by: str = USER) -> Case:
    """Plant a user of a module that defines names and of one that merely imports them."""
    return case(name, {HOME: A_HOME, MIDDLE: A_MIDDLE, by: f"{text}\n"}, *broken)


LAYERS = [
    one("domain-scheduler", USER, "import cronicorn_scheduler", "layers"),
    one("domain-application", USER, "import cronicorn_worker", "layers"),
    one("domain-adapter", USER, "import cronicorn_adapter_sql", "layers", "composition"),
    one("scheduler-application", STRANGER, "import cronicorn_worker", "layers"),
    one(
        "adapter-application", "cronicorn_adapter_sql.planted", "import cronicorn_worker", "layers"
    ),
    one("application-domain", "cronicorn_worker.planted", "import cronicorn_domain"),
    one("application-scheduler", "cronicorn_worker.planted", "import cronicorn_scheduler"),
    one("counting-scheduler", "cronicorn_metering.planted", "import cronicorn_scheduler"),
    one(
        "counting-management",
        "cronicorn_metering.planted",
        "import cronicorn_management",
        "counting",
    ),
    one("scheduler-counting", STRANGER, "import cronicorn_metering", "layers"),
]

STRANGERS = [
    one(
        "adapter-scheduler",
        "cronicorn_adapter_http.planted",
        "import cronicorn_scheduler",
        "strangers",
    ),
    one(
        "scheduler-adapter", STRANGER, "import cronicorn_adapter_memory", "strangers", "composition"
    ),
    one(
        "adapter-adapter",
        "cronicorn_adapter_sql.planted",
        "import cronicorn_adapter_memory",
        "strangers",
        "composition",
    ),
    one(
        "only-for-types",
        "cronicorn_adapter_memory.planted",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cronicorn_scheduler",
        "strangers",
    ),
    one(
        "inside-a-function",
        "cronicorn_adapter_memory.planted",
        "def f() -> None:\n    import cronicorn_scheduler",
        "strangers",
    ),
]

COMPOSITION = [
    one(
        "application-adapter",
        "cronicorn_worker.planted",
        "import cronicorn_adapter_sql",
        "composition",
    ),
    one("demo-adapter", "cronicorn_worker.demo", "import cronicorn_adapter_http", "composition"),
    one(
        "composition-adapter",
        "cronicorn_worker.composition",
        "import cronicorn_adapter_sql as _sql",
    ),
]

PURITY = [
    one("domain-installed", USER, "import sqlalchemy", "purity", "technologies"),
    one("domain-tests", USER, "import pytest", "purity", "technologies"),
    one("domain-unheard-of", USER, "import unheard_of", "purity", "technologies"),
    one("scheduler-installed", STRANGER, "from aiohttp import web", "purity", "technologies"),
    one(
        "memory-installed",
        "cronicorn_adapter_memory.planted",
        "import orjson",
        "purity",
        "technologies",
    ),
    one("domain-standard", USER, "import zoneinfo, urllib.parse, http"),
    one("suites-pytest", "cronicorn_domain.testing.planted", "import pytest, hypothesis"),
]

TECHNOLOGIES = [
    one("database-in-http", "cronicorn_adapter_http.planted", "import sqlalchemy", "technologies"),
    one("network-in-sql", "cronicorn_adapter_sql.planted", "import aiohttp", "technologies"),
    one(
        "database-in-worker",
        "cronicorn_worker.planted",
        "from sqlmodel import Field",
        "technologies",
    ),
    one("encryption-in-worker", "cronicorn_worker.planted", "import cryptography", "technologies"),
    one("client-in-demo", "cronicorn_worker.demo", "import aiohttp as _client", "technologies"),
    one("command-line-in-store", "cronicorn_adapter_sql.planted", "import typer", "technologies"),
    one(
        "unheard-of-in-http", "cronicorn_adapter_http.planted", "import unheard_of", "technologies"
    ),
    one("database-in-scheduler", STRANGER, "import sqlite3", "technologies"),
    one("network-in-domain", USER, "from socket import gethostname", "technologies"),
    one("homeless", "cronicorn_adapter_http.planted", "from urllib import request", "technologies"),
    one("homeless-dotted", "cronicorn_adapter_http.planted", "import http.client", "technologies"),
    one("server-in-demo", "cronicorn_worker.demo", "from aiohttp import web as _web"),
    one("network-in-http", "cronicorn_adapter_http.planted", "import socket, aiohttp.resolver"),
    one("command-line-in-command", "cronicorn_adapter_sql.command", "import typer as _typer"),
]

SUITES = [
    one("scheduler-suite", STRANGER, "import cronicorn_domain.testing", "suites"),
    one(
        "adapter-suite",
        "cronicorn_adapter_sql.planted",
        "from cronicorn_domain import testing",
        "suites",
    ),
    one("domain-suite", USER, "def f() -> None:\n    import cronicorn_domain.testing", "suites"),
    case(
        "suite-suite",
        {
            "cronicorn_domain.testing.planted_one": "def f() -> None: ...\n",
            "cronicorn_domain.testing.planted_two": (
                "from cronicorn_domain.testing.planted_one import f\ndef g() -> None:\n    f()\n"
            ),
        },
    ),
]

ENVIRONMENT = [
    one(
        "environ", "cronicorn_adapter_http.planted", "import os\nX = os.environ['X']", "environment"
    ),
    one("getenv", STRANGER, "from os import getenv\nX = getenv('X')", "environment"),
    one("renamed", USER, "import os as system\nX = system.environ.get('X')", "environment"),
    one("not-the-environment", USER, "import os\nX = os.getpid()"),
    one("application-environ", "cronicorn_worker.planted", "import os\nX = os.environ['X']"),
    one(
        "command-environ",
        "cronicorn_adapter_sql.command",
        "import os as _os\n_X = _os.environ.get('X')",
    ),
]

CIRCLES = [
    *(
        case(
            f"in-{package}",
            {
                f"{package}.planted_one": f"import {package}.planted_two\n",
                f"{package}.planted_two": f"import {package}.planted_one\n",
            },
            "circles",
        )
        for package in (
            "cronicorn_domain",
            "cronicorn_scheduler",
            "cronicorn_adapter_http",
            "cronicorn_adapter_memory",
            "cronicorn_adapter_sql",
            "cronicorn_worker",
        )
    ),
    case(
        "between-packages",
        {
            "cronicorn_domain.planted_one.first": "import cronicorn_domain.planted_two.first\n",
            "cronicorn_domain.planted_two.second": "import cronicorn_domain.planted_one.second\n",
            "cronicorn_domain.planted_one.second": "\n",
            "cronicorn_domain.planted_two.first": "\n",
        },
        "circles",
    ),
    case(
        "relative",
        {
            "cronicorn_worker.planted.one": "from . import two\n",
            "cronicorn_worker.planted.two": "from . import one\n",
        },
        "circles",
    ),
]

OFFERED = [
    ("all", f"from {HOME} import Thing\n__all__ = ['Thing']"),
    ("all-annotated", f"from {HOME} import Thing\n__all__: list[str] = ['Thing']"),
    ("all-added", f"from {HOME} import Thing\n__all__ = []\n__all__ += ['Thing']"),
    ("all-extended", f"from {HOME} import Thing\n__all__ = []\n__all__.extend(('Thing',))"),
    ("all-appended", f"from {HOME} import Thing\n__all__ = []\n__all__.append('Thing')"),
    ("all-in-a-branch", f"from {HOME} import Thing\nif Thing:\n    __all__ = ['Thing']"),
    ("all-of-a-library", "from datetime import timedelta\n__all__ = ['timedelta']"),
    ("all-of-nobody", "__all__ = ['nothing']"),
    ("all-computed", f"import {HOME}\n__all__ = [n for n in dir({HOME})]"),
    ("all-imported", "from datetime import __all__"),
    ("name-as-itself", f"from {HOME} import Thing as Thing"),
    ("module-as-itself", "import datetime as datetime"),
    ("submodule-as-itself", "from cronicorn_domain import planted_home as planted_home"),
    ("as-itself-inside", f"def f() -> None:\n    from {HOME} import Thing as Thing"),
    ("star", f"from {HOME} import *"),
    ("star-of-a-library", "from datetime import *"),
    ("re-bound-attribute", f"import {HOME}\nY = {HOME}.Thing"),
    ("re-bound-name", f"from {HOME} import Thing\nY = Thing"),
    ("re-bound-submodule", "from cronicorn_domain import planted_home\nY = planted_home"),
    ("re-bound-annotated", f"from {HOME} import Thing\nY: type[Thing] = Thing"),
    ("re-bound-in-a-tuple", f"from {HOME} import Thing, LIMIT\nY, Z = 1, (LIMIT)"),
    ("re-bound-in-a-branch", f"from {HOME} import Thing\ntry:\n    Y = Thing\nfinally:\n    pass"),
    ("re-bound-twice", f"from {HOME} import Thing\n_y = Thing\nY = _y"),
    ("re-bound-library", "import datetime\nDelta = datetime.timedelta"),
    ("module-getattr", "def __getattr__(name: str) -> object: ..."),
    ("module-getattr-bound", f"from {HOME} import Thing\n__getattr__ = Thing"),
]

USED = [
    ("through", f"from {MIDDLE} import Thing"),
    ("through-renamed", f"from {MIDDLE} import MOST as LEAST"),
    ("through-relative", "from .planted_middle import Thing"),
    ("through-inside", f"def f() -> None:\n    from {MIDDLE} import Thing"),
    (
        "through-for-types",
        f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {MIDDLE} import Thing",
    ),
    ("library-through", f"from {MIDDLE} import timedelta"),
    ("library-module-through", f"from {MIDDLE} import datetime"),
    ("nobody-defines", f"from {MIDDLE} import Nothing"),
    ("attribute-through", f"import {MIDDLE}\nprint({MIDDLE}.Thing)"),
    ("attribute-through-renamed", f"import {MIDDLE} as m\nprint(m.MOST)"),
    (
        "attribute-through-module",
        "from cronicorn_domain import planted_middle\nplanted_middle.Thing()",
    ),
    ("attribute-through-inside", f"def f() -> None:\n    import {MIDDLE} as m\n    m.Thing()"),
    ("attribute-of-library-through", f"import {MIDDLE}\n{MIDDLE}.datetime.timedelta(1)"),
]

RE_EXPORTS = [
    *(re_export(name, text, "re-exports") for name, text in OFFERED),
    *(re_export(name, text, "re-exports") for name, text in USED),
    *(
        re_export(f"{name}-elsewhere", text, "re-exports", by=STRANGER)
        for name, text in USED
        if "relative" not in name
    ),
    case(
        "through-a-private-re-binding",
        {
            HOME: A_HOME,
            MIDDLE: f"import {HOME}\n_Thing = {HOME}.Thing\n",
            USER: f"from {MIDDLE} import _Thing\n",
        },
        "re-exports",
    ),
    one("init-imports", "cronicorn_domain.__init__", "import datetime", "re-exports"),
    one("init-docstring", "cronicorn_scheduler.__init__", '"""Words."""', "re-exports"),
    one("init-comment", "cronicorn_worker.__init__", "# words", "re-exports"),
    one("inner-init", "cronicorn_domain.planted.__init__", "X = 1", "re-exports"),
]

NO_RE_EXPORTS = [
    re_export("own-all", "class A: ...\n__all__ = ['A']\n__all__ += ['B']\nB = 1"),
    re_export(
        "from-home", f"from {HOME} import Thing\nfrom {MIDDLE} import Own\nprint(Thing, Own)"
    ),
    re_export("from-home-elsewhere", f"from {HOME} import Thing\nprint(Thing)", by=STRANGER),
    re_export("own-through-module", f"import {MIDDLE}\nprint({MIDDLE}.Own)"),
    re_export(
        "module-from-package",
        "from cronicorn_domain import planted_home\nprint(planted_home.LIMIT)",
    ),
    re_export("private-re-binding", f"import {HOME}\n_y = {HOME}.Thing\nprint(_y)"),
    re_export("member-of-a-class", f"from {HOME} import Colour\nUSUAL = Colour.RED"),
    re_export("derived", f"from {HOME} import LIMIT, Thing\nclass Y(Thing): ...\nZ = LIMIT + 1"),
    re_export("union", f"from {HOME} import Colour, Thing\nEither = Colour | Thing"),
    re_export("own-alias", "class A: ...\nB = A\nC = A.__name__\n__all__ = ['A', 'B', 'C']"),
    re_export(
        "parameter-named-like-a-module",
        "from cronicorn_domain import planted_home\n"
        "def f(planted_home: list[int]) -> None:\n    planted_home.append(1)",
    ),
    case(
        "every-way-to-define",
        {
            MIDDLE: (
                "for a in (1, 2):\n    b, *c = a, 3\nif (d := 1):\n    e: int = d\n"
                "with open('x') as f:\n    pass\n"
                "match a:\n    case [g, *h]:\n        pass\n    case _:\n        pass\n"
                "def i() -> None:\n    global j\n    j = 1\n"
                "class K: ...\nasync def l() -> None: ...\nm = K\n"
            ),
            USER: f"from {MIDDLE} import a, b, c, d, e, f, g, h, i, j, K, l, m\n",
        },
    ),
]

CASES = [
    case("nothing", {}),
    *LAYERS,
    *STRANGERS,
    *COMPOSITION,
    *PURITY,
    *TECHNOLOGIES,
    *SUITES,
    *ENVIRONMENT,
    *CIRCLES,
    *RE_EXPORTS,
    *NO_RE_EXPORTS,
]


def cleared(source: str, copy: str) -> None:
    """Copy a module without what is in it."""
    Path(copy).touch()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """
    Plant all cases in a copy of the tree, one after the other, in one process.

    The copy has all modules, but nothing in them: a hundred readings of it take little time, and
    what breaks a contract is the planting.
    """
    copy = tmp_path_factory.mktemp("tree")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copy(ROOT / ".importlinter", copy)
    shutil.copytree(ROOT / "tools", copy / "tools", ignore=unwanted)
    sources = [source.relative_to(ROOT) for source in ROOT.glob("*/*/src")]
    for source in sources:
        shutil.copytree(ROOT / source, copy / source, ignore=unwanted, copy_function=cleared)
    outcome = subprocess.run(
        [sys.executable, "-m", "tools.contracts.trial"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(copy / source) for source in sources)},
        input=json.dumps({each.name: each.planting for each in CASES}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, list[str]] = json.loads(outcome.stdout)
    return found


@pytest.mark.parametrize("planted", CASES, ids=lambda each: each.name)
def test_a_fault_breaks_its_contract(planted: Case, verdicts: dict[str, list[str]]) -> None:
    """A planted fault breaks the contracts meant and no other; what is allowed breaks none."""
    assert set(verdicts[planted.name]) == planted.broken


def test_every_contract_is_seen_to_break() -> None:
    """No contract stands in the configuration without a fault that breaks it here."""
    configuration = ConfigParser()
    configuration.read(ROOT / ".importlinter", "utf-8")
    contracts = {
        section.rpartition(":")[2]
        for section in configuration.sections()
        if section.startswith("importlinter:contract:")
    }

    assert {contract for each in CASES for contract in each.broken} == contracts


def test_every_case_has_a_name_of_its_own() -> None:
    """Cases are told apart by name, so that none is judged by another's verdict."""
    names = [each.name for each in CASES]

    assert len(names) == len(set(names))

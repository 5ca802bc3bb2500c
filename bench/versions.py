"""What was measured, by version."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from bench.postgres import Server
from bench.systems.peer import Peer
from bench.systems.system import System


def versions(systems: Sequence[System], server: Server) -> Mapping[str, str]:
    """Return the versions of the systems, by name, and of what they share."""
    own = {
        system.name: system.version if isinstance(system, Peer) else _ours(system.name)
        for system in systems
    }
    shared = {name: version(name) for name in ("aiohttp", "psycopg", "uvloop")}
    return {**own, "PostgreSQL": server.version, **shared}


def _ours(name: str) -> str:
    return version("cronicorn-worker") if name.startswith("cronicorn") else ""

"""Starts processes that claim, over a database, and talks with them."""

import asyncio
import json
import sys
from dataclasses import dataclass

Claimed = tuple[int, str, str, int]
"""Token, endpoint, slot and attempt of a run, as a process tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A worker that is a process of its own."""

    running: asyncio.subprocess.Process

    async def say(self, command: str) -> None:
        """Give it a command."""
        assert self.running.stdin is not None
        self.running.stdin.write(f"{command}\n".encode())
        await self.running.stdin.drain()

    async def ask(self, command: str) -> list[Claimed]:
        """Give it a command, and return the runs that it tells."""
        await self.say(command)
        assert self.running.stdout is not None
        line = await self.running.stdout.readline()
        return [(token, key, slot, attempt) for token, key, slot, attempt in json.loads(line)]


class Processes:
    """Starts processes over a database, and ends them with the test."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._started: list[asyncio.subprocess.Process] = []

    async def start(self, name: str) -> Process:
        """Start one."""
        pipe = asyncio.subprocess.PIPE
        module = "cronicorn_adapter_sql.testing.claiming_process"
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, self._url, name, stdin=pipe, stdout=pipe
        )
        self._started.append(running)
        return Process(running=running)

    async def end(self) -> None:
        """End those that still run: their input ends."""
        for running in self._started:
            if running.stdin is not None:
                running.stdin.close()
            await running.wait()

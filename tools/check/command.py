"""The command: judges what a database holds, and says what it found."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_domain.errors import CronicornError
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.caps import Caps

from tools.check.live import read_history
from tools.checker.check import Report, examine

DESCRIPTION = """
Holds every run and every record of a database against what its definitions and hints asked for:
no slot lost or doubled, nothing early, no guardrail broken, no hint beyond its life. It only reads.
An endpoint is judged from its last change on, until now; or, where no worker works any more, until
the last one was seen. The exit code is 1 if something is found.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, and return the exit code: 1 for findings, 2 when nothing could be judged."""
    options = _parser().parse_args(arguments)
    try:
        history = asyncio.run(read_history(options.database, since=options.since))
    except CronicornError as error:
        print(error, file=sys.stderr)
        return 2
    history = replace(history, patience=timedelta(seconds=options.patience))
    if options.late is not None:
        history = replace(history, lateness_allowed=timedelta(seconds=options.late))
    history = replace(history, caps=_caps(options.host_cap, options.tenant_cap))
    report = examine(history)
    print((_as_json if options.json else _as_text)(report, history.ends_at))
    return 1 if report.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/check", description=DESCRIPTION)
    parser.add_argument(
        "--database", required=True, metavar="URL", help="sqlite:///FILE or postgresql://…"
    )
    parser.add_argument(
        "--since",
        type=_instant,
        metavar="INSTANT",
        help="judge only what was claimed from then on, such as 2026-01-31T12:00:00Z; to be given "
        "where older history has been pruned",
    )
    parser.add_argument(
        "--late",
        type=float,
        metavar="SECONDS",
        help="also find claims later than that; without it lateness is not judged",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="find what could be served for longer than that, and was not until the end: an "
        "endpoint that has stopped, or never ran (60)",
    )
    parser.add_argument(
        "--host-cap",
        type=_cap,
        action="append",
        default=[],
        metavar="[HOST=]N",
        help="also find runs beyond the caps that all workers had, such as 10 or shop.example=2",
    )
    parser.add_argument(
        "--tenant-cap",
        type=_cap,
        action="append",
        default=[],
        metavar="[TENANT=]N",
        help="the same for tenants",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise argparse.ArgumentTypeError("end it with Z or an offset")
    return instant


def _cap(text: str) -> tuple[str, int]:
    whose, _, number = text.rpartition("=")
    if not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError("give N, or NAME=N, with N from 1 on")
    return whose.lower(), int(number)


def _caps(of_hosts: Sequence[tuple[str, int]], of_tenants: Sequence[tuple[str, int]]) -> Caps:
    hosts, tenants = dict(of_hosts), dict(of_tenants)
    per_host, per_tenant = hosts.pop("", None), tenants.pop("", None)
    by_id = {TenantId(UUID(name)): cap for name, cap in tenants.items()}
    return Caps(per_host=per_host, hosts=hosts, per_tenant=per_tenant, tenants=by_id)


def _as_text(report: Report, until: datetime) -> str:
    lines = [
        f"{finding.fault} · endpoint {finding.endpoint_id} · {finding.sentence}"
        for finding in report.findings
    ]
    slots = sum(report.slots.values())
    judged = f"{slots} slots of {report.endpoints} endpoints judged"
    judged += f" until {until:%Y-%m-%d %H:%M:%SZ}"
    if report.unreadable:
        judged += f", {report.unreadable} endpoints without a definition left out"
    found = f"{len(lines)} found" if lines else "nothing found"
    return "\n".join([*lines, f"{judged}: {found}"])


def _as_json(report: Report, until: datetime) -> str:
    return json.dumps(
        {
            "until": until.isoformat(),
            "endpoints": report.endpoints,
            "unreadable": report.unreadable,
            "slots": dict(report.slots),
            "findings": [
                {
                    "fault": finding.fault,
                    "endpoint": str(finding.endpoint_id),
                    "slot": None if finding.slot is None else finding.slot.isoformat(),
                    "run": None if finding.run_id is None else str(finding.run_id),
                    "sentence": finding.sentence,
                }
                for finding in report.findings
            ],
        }
    )

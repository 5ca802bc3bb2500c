"""Writes a report for people, and for programs."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from cronicorn_domain.wording import instant_in_words

from cronicorn_worker.doctor.examining import Report

_SHOWN_MOST: Final = 10


def as_text(report: Report) -> str:
    """Write each finding with its remedy; of a sort that is found often, the first ten."""
    return "\n".join(_lines(report))


def as_json(report: Report) -> str:
    """Write all of it as one JSON object; its names stay."""
    return json.dumps(
        {
            "database": report.database,
            "examined_at": report.examined_at.isoformat(),
            "endpoints": report.endpoints,
            "all_endpoints": report.all_endpoints,
            "schema_compared": report.schema_compared,
            "error": None,
            "more": sorted(report.more),
            "findings": [
                {
                    "ailment": finding.ailment.value,
                    "subject": finding.subject,
                    "what": finding.what,
                    "remedy": finding.remedy,
                    "mending": None if finding.mending is None else finding.mending.name.lower(),
                    "endpoint_id": None
                    if finding.endpoint_id is None
                    else str(finding.endpoint_id),
                }
                for finding in report.findings
            ],
        },
        indent=2,
    )


def unseen_as_json(error: str) -> str:
    """Write that nothing could be looked at, and why; there is nothing else to tell."""
    return json.dumps({"error": error, "findings": []}, indent=2)


def _lines(report: Report) -> Iterator[str]:
    found = Counter(finding.ailment for finding in report.findings)
    shown: Counter[str] = Counter()
    for finding in report.findings:
        shown[finding.ailment] += 1
        if shown[finding.ailment] <= _SHOWN_MOST:
            yield f"{finding.ailment.value}: {finding.subject} {finding.what}"
            yield f"    {finding.remedy}"
        elif shown[finding.ailment] == found[finding.ailment]:
            least = "at least " if finding.ailment in report.more else ""
            yield f"{finding.ailment.value}: and {least}{found[finding.ailment] - _SHOWN_MOST} more"
    looked = "all of them" if report.all_endpoints else "not all: give --most a larger number"
    yield (
        f"{report.database} at {instant_in_words(report.examined_at)}:"
        f" looked at {report.endpoints} endpoints, {looked}"
    )
    if not report.schema_compared:
        yield "the tables were not compared with what they should be"
    mendable = sum(map(len, report.mendings.values()))
    if not report.findings:
        yield "nothing found"
    elif mendable:
        yield f"findings: {len(report.findings)}; --fix can see to {mendable} of them"
    else:
        yield f"findings: {len(report.findings)}; none of them can be mended by itself"

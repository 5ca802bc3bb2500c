"""Whatever is wrong with a jobs file is told with place and remedy, and all of it at once."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.errors import RefusedUrl
from cronicorn_worker.jobs_file.desired import DesiredJob
from cronicorn_worker.jobs_file.file_text import file_text
from cronicorn_worker.jobs_file.problems import JobsFileRefused
from cronicorn_worker.jobs_file.reading import read_jobs
from hypothesis import given
from hypothesis import strategies as st

ENDPOINT = """\
jobs:
  - name: shop
    endpoints:
      - name: health
        url: http://shop.example/health
"""


class NoLoopback:
    """Refuses what an operator would have to allow, as the real rules do."""

    def check(self, url: str) -> None:
        """Refuse loopback and whatever is not HTTP."""
        if not url.startswith("http"):
            raise RefusedUrl("the URL is not HTTP", field="url", remedy="begin it with http://")
        if "127.0.0.1" in url:
            raise RefusedUrl(
                "127.0.0.1 is loopback and not let out",
                field="url",
                remedy="the operator allows it with --egress-allow 127.0.0.1",
            )


def read(text: str, environ: Mapping[str, str]) -> tuple[DesiredJob, ...]:
    """Read a file as the worker does, but for the egress rules."""
    return read_jobs(
        text,
        file="jobs.yaml",
        environ=environ,
        rules=NoLoopback(),
        conditions=CelRuleEvaluator(),
    )


def faults(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the lines that are told about a file."""
    with pytest.raises(JobsFileRefused) as refused:
        read(text, environ or {})
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("every: soon", "6:16: jobs[0].endpoints[0].every: 'soon' is not a length. Write a number"),
        (
            "every: 2",
            "6:16: jobs[0].endpoints[0].every: '2' has no unit. Write a number with a unit",
        ),
        ("every: -2s", "every: '-2s' is negative. Allowed: 1s to 3660d."),
        ("every: 0s", "every: an interval of 0 s is not possible. Give a length from 1s"),
        ("every: 500ms", "is not possible. Give a length from 1s to 3660d."),
        ("every: 99999999999d", "every: '99999999999d' is too long. Allowed: 1s to 3660d."),
        ("every: [2s]", "every: found a list, expected a length. Write a number with a unit"),
        ("every: yes", "every: 'yes' is not a length"),
        ("every: 12:30", "every: '12:30' is not a length"),
        ("cron: 61 * * * *", "6:15: jobs[0].endpoints[0].cron: minute: found '61'; expected 0-59."),
        ("cron: 0 0 31 2 *", "cron: '0 0 31 2 *' can never fire"),
        ("cron: '* * *'", "cron: found 3 fields in '* * *'; expected five"),
        ("cron: ''", "cron: found 0 fields"),
        ("at: 2026-12-01", "at: '2026-12-01' has no zone. Write an instant with its zone"),
        ("at: 2026-12-01T09:00:00", "has no zone. Write an instant with its zone, such as 2026"),
        ("at: tomorrow", "at: 'tomorrow' is not an instant"),
        ("at: 0001-01-01T00:00:00+14:00", "is beyond the calendar"),
        ("at: 5", "at: found the number 5, expected an instant"),
        ("evry: 2s", "6:9: jobs[0].endpoints[0].evry: this key is unknown. Did you mean every?"),
        ("interval: 2s", "interval: this key is unknown. Did you mean every?"),
        ("zzz: 1", "zzz: this key is unknown. Known here: name, description, url"),
    ],
)
def test_a_schedule_that_cannot_be_is_told_with_its_place(member: str, told: str) -> None:
    """Line and column, path, what was found, and what to write instead."""
    lines = faults(f"{ENDPOINT}        {member}\n")

    assert any(line.startswith("jobs.yaml:") and told in line for line in lines), lines


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            "min: 10m\n        max: 1m",
            "7:14: jobs[0].endpoints[0].min: min (10 min) is above",
        ),
        (
            "min: 10ms",
            "min: min of 10 ms is not possible. Give a length from 1s to 3660d.",
        ),
        ("cron: '@daily'", "cron: there is every as well. Keep one of every, cron and at."),
        ("timezone: Europe/Berlin", "timezone: only a cron expression has it. Remove it."),
        ("jitter: 2d", "jitter: a jitter of 2 d is not possible"),
        (
            "timeout: 1ms",
            "timeout: a timeout of 1 ms is not possible. Give a length from",
        ),
        ("max_response_size: 11MiB", "max_response_size: a response size of 11534336 bytes"),
        ("max_response_size: 1TB", "'1TB' is not a size. Write a number of bytes"),
        ("max_response_size: 1GB", "a response size of 1000000000 bytes is not possible. Give 1"),
        ("redirects: 11", "redirects: 11 redirects are not possible. Give 0 to 10."),
        ("redirects: true", "redirects: found true, expected a whole number"),
        ("max_runs: 0", "max_runs: max_runs of 0 allows nothing. Give 1 or more"),
        ("max_runs: 1.5", "max_runs: found the number 1.5, expected a whole number"),
        (
            "starts_at: 2026-02-01T00:00:00Z\n        ends_at: 2026-01-01T00:00:00Z",
            "8:18: jobs[0].endpoints[0].ends_at: the end lies before the start",
        ),
        ("misfire: {policy: skipp}", "7:27: jobs[0].endpoints[0].misfire.policy: found 'skipp'"),
        ("misfire: {grace: 400d}", "misfire.grace: a misfire grace of 400 d is"),
        ("misfire: {catch_up_limit: 0}", "misfire.catch_up_limit: a catch-up limit of 0"),
        ("misfire: skip", "misfire: found a text, expected a mapping"),
        ("retry: {attempts: 21}", "retry.attempts: 21 attempts are not possible. Give 1 to 20."),
        ("retry: {backoff: 2h}", "retry.backoff: the retry waits are not possible. Keep 0s"),
        ("retry: {atempts: 2}", "retry.atempts: this key is unknown. Did you mean attempts?"),
        ("delivery: exactly_once", "found 'exactly_once', expected one of at_least_once, at_most_"),
        ("method: FETCH", "method: found 'FETCH', expected one of GET, POST"),
        ("paused: yes", "paused: found 'yes', expected true, false or an instant"),
        ("paused: 2026-12-01", "paused: '2026-12-01' has no zone"),
        ("headers: {Host: x}", "7:25: jobs[0].endpoints[0].headers.Host: Host is set by Cronicorn"),
        ("headers: {a b: x}", "headers.a b: 'a b' is not a header name"),
        ("headers: {X-A: 5}", "headers.X-A: found a number, expected a text or a mapping. Put"),
        ("headers: {X-A: x, x-a: y}", "headers.X-A: x-a is there twice"),
        ("headers: {x-a: {valu: y}}", "headers.x-a.valu: this key is unknown. Did you mean value?"),
        ("headers: [x]", "headers: found a list, expected a mapping"),
        ("success_when: statsu == 1", "7:23: jobs[0].endpoints[0].success_when: line 1, column 1"),
        (
            "rules: [{when: status = 5, then: {every: 5s}}]",
            "7:24: jobs[0].endpoints[0].rules[0].when: line 1, column 8: one = compares nothing",
        ),
        ("rules: [{when: status == 5, then: {}}]", "rules[0].then: the rule does nothing."),
        ("rules: [{when: status == 5, then: {every: 5ms}}]", "rules[0].then.every: 5 ms is not"),
        ("rules: [{when: status == 5, then: {evry: 5s}}]", "then.evry: this key is unknown. Did"),
        ("rules: [{then: {every: 5s}}]", "rules[0].when: it is missing. Add `when:`."),
        ("rules: [{when: status == 5, coldown: 5s, then: {clear: true}}]", "mean cooldown?"),
        ("rules: status == 5", "rules: found a text, expected a list"),
        ("body: .nan", "body: JSON has no way to write this number. Write it as a text."),
        ("name2: x", "name2: this key is unknown. Did you mean name?"),
    ],
)
def test_a_member_that_cannot_be_is_told_with_its_place(members: str, told: str) -> None:
    """Every setting is judged when the file is read, and not by the first run."""
    lines = faults(f"{ENDPOINT}        every: 2s\n        {members}\n")

    assert any(told in line for line in lines), lines


HUGE = "9" * 30


@pytest.mark.parametrize(
    ("member", "beyond", "range_"),
    [
        ("min: {}", f"{HUGE}d", "1s to 3660d"),
        ("max: {}", "999999999999d", "1s to 3660d"),
        ("jitter: {}", "4000d", "0s to 1d"),
        ("misfire: {{grace: {}}}", "4000d", "0s to 366d"),
        ("misfire: {{catch_up_limit: {}}}", HUGE, "1 to 1000"),
        ("retry: {{attempts: {}}}", HUGE, "1 to 20"),
        ("retry: {{backoff: {}}}", "-1s", "0s to 1h"),
        ("retry: {{backoff_most: {}}}", "4000d", "0s to 1h"),
        ("timeout: {}", "1e99s", "100ms to 30m"),
        ("timeout: {}", "999999999999d", "100ms to 30m"),
        ("max_response_size: {}", f"{HUGE}GB", "1KiB to 10MiB"),
        ("redirects: {}", f"'{HUGE}'", "0 to 10"),
        ("max_runs: {}", HUGE, "1 to 1000000000000000000"),
    ],
)
def test_a_number_beyond_all_is_told_what_its_member_takes(
    member: str, beyond: str, range_: str
) -> None:
    """
    Trap T30: what no such member could hold is refused with the range of this one, and no other.

    The range is the domain's: its ends are taken.
    """
    (line,) = faults(f"{ENDPOINT}        every: 2s\n        {member.format(beyond)}\n")

    assert line.endswith(f"Allowed: {range_}.")
    assert "3660d" not in line.removesuffix(f"Allowed: {range_}.")
    for end in range_.split(" to "):
        text = f"{ENDPOINT}        every: 2s\n        {member.format(end)}\n"
        with suppress(JobsFileRefused):
            read_jobs(
                text,
                file="jobs.yaml",
                environ={},
                rules=NoLoopback(),
                conditions=CelRuleEvaluator(),
            )
            continue
        assert "backoff" in member, f"{end} is refused"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "jobs.yaml: the file is empty. Begin it with `jobs:`"),
        ("# nothing yet\n", "the file is empty"),
        ("jobs:\n", "jobs.yaml:1:1: jobs: found nothing, expected a list"),
        ("[]", "jobs.yaml:1:1: found a list, expected a mapping. Begin the file with `jobs:`"),
        ("jobs: {}", "jobs.yaml:1:7: jobs: found a mapping, expected a list. Begin each"),
        ("jobs: [5]", "jobs.yaml:1:8: jobs[0]: found a number, expected a mapping"),
        ("jobs: []\njob: []\n", "jobs.yaml:2:1: job: this key is unknown. Did you mean jobs?"),
        ("jobs: [{name: a}]", "jobs.yaml:1:8: jobs[0].endpoints: it is missing. Add `endpoints:`."),
        ("jobs: [{endpoints: []}]", "jobs[0].name: it is missing. Add `name:`."),
        ("jobs: [{name: '', endpoints: []}]", "jobs.yaml:1:15: jobs[0].name: '' cannot be a name"),
        ("jobs: [{name: 5, endpoints: []}]", "name: found a number, expected a text. Put it in"),
        ("jobs: [{name: a, paused: yes, endpoints: []}]", "found 'yes', expected true or false"),
    ],
)
def test_a_file_of_another_shape_is_told_with_its_place(text: str, told: str) -> None:
    """What stands instead of jobs is named, and how a file begins."""
    assert any(told in line for line in faults(text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jobs:\n\t- name: a\n", "2:1: this is no YAML: found character '\\t'"),
        ("jobs:\n\t- name: a\n", "Indent with blanks, not with tabs."),
        ("jobs: [\n", "this is no YAML: expected the node content"),
        ("jobs: []\nname: a: b\n", "2:8: this is no YAML: mapping values are not allowed here"),
        ("jobs: @a\n", "1:7: this is no YAML: found character '@'"),
        ("jobs: 'a\n", "this is no YAML: found unexpected end of stream"),
        ("jobs: []\njobs: []\n", "2:1: the key jobs is there twice (first in line 1). Keep one"),
        ("jobs: []\n---\njobs: []\n", "2:1: a second document begins here. Keep one"),
        ("jobs: &all [*all]\n", "1:13: *all is a part of itself. Write the value out."),
        ("jobs: *all\n", "1:7: *all has no &all before it. Write the value out."),
        ("jobs: !!python/name:os.system []\n", "1:7: the tag tag:yaml.org,2002:python/name:os"),
        ("jobs: !mine []\n", "1:7: the tag !mine means nothing here. Remove it."),
        ("%YAML 1.1\n---\njobs: []\n", "the file says it is not YAML 1.2. Remove the %YAML line"),
        ("? [a]\n: 1\njobs: []\n", "1:3: a key must be a text. Write it as one word."),
        ("jobs: [a\u0007]\n", "1:9: the character U+0007 cannot stand in a YAML file."),
        ("jobs: []\nx: \ud800\n", "2:4: the character U+D800 cannot stand in a YAML file."),
        (f"jobs: {'[' * 200}{']' * 200}\n", "this is nested too deeply. Flatten it."),
        ("jobs: [{<<: 5}]\n", "1:13: << takes a mapping. Give it an alias of one."),
    ],
)
def test_a_trap_of_yaml_is_told_with_its_place(text: str, told: str) -> None:
    """What YAML would take for something else, or choke on, is named where it stands."""
    assert any(told in line for line in faults(text)), faults(text)


def test_aliases_cannot_blow_a_file_up() -> None:
    """A file of nine lines that stands for a billion values is refused, and quickly."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")

    assert "this is too much for a jobs file. Use fewer aliases." in faults("\n".join(lines))[-1]


def test_merge_keys_cannot_blow_a_file_up() -> None:
    """Nor is one that merges the same thousand keys again and again, before it is all copied."""
    keys = ", ".join(f"k{number}: x" for number in range(1000))
    lines = [f"a: &a {{{keys}}}", "b:", *["  - <<: *a"] * 600]

    assert faults("\n".join(lines)) == [
        "jobs.yaml:502:5: this merges too much. Use fewer merge keys."
    ]


def test_every_fault_is_told_in_the_order_of_the_file() -> None:
    """Whoever mends a file sees all that is to be mended, also within one endpoint."""
    text = """\
jobs:
  - name: shop
    nmae: x
    endpoints:
      - name: health
        url: http://127.0.0.1:9000/health
        every: soon
        min: 10m
        max: 1m
        timezone: Europe/Berlni
        cron: 61 * * * *
      - name: health
        url: ftp://shop.example
        retry: {attempts: 0}
  - name: shop
    endpoints:
      - name: stock
"""

    told = [line.split(": ")[0] for line in faults(text)]

    places = "3:5 6:14 7:16 8:14 10:19 11:15 12:9 12:15 13:14 14:27 15:11 17:9 17:9"
    assert told == [f"jobs.yaml:{place}" for place in places.split()]


MESS = st.one_of(
    st.sampled_from(
        [*"-?:{}[]'\"|@#~\t", "- ", "? ", ": ", "&a ", "*a", "<<: ", "!!int ", "!<x> "]
    ),
    st.sampled_from(["---\n", "...\n", "${", "$${", "null", "1e999", ".nan", "0x", "9" * 400]),
    st.text(max_size=3),
)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), MESS), max_size=5))
def test_no_mess_is_anything_but_a_refusal(edits: list[tuple[int, int, str]]) -> None:
    """Whatever a file has become by mistake, it is read, or refused in words."""
    text = f"{ENDPOINT}        every: 2s\n        headers: {{x: ${{X}}}}\n        body: [1, a: b]\n"
    for place, length, mess in edits:
        text = text[:place] + mess + text[place + length :]

    with suppress(JobsFileRefused):
        assert (
            read_jobs(
                text,
                file="jobs.yaml",
                environ={"X": "1"},
                rules=NoLoopback(),
                conditions=CelRuleEvaluator(),
            )
            is not None
        )


def test_the_plans_floor_holds_for_the_file() -> None:
    """Trap T17: what a person may not ask for, a file may not."""
    with pytest.raises(JobsFileRefused, match="30 s is too often"):
        read_jobs(
            f"{ENDPOINT}        every: 30s\n",
            file="jobs.yaml",
            environ={},
            rules=NoLoopback(),
            conditions=CelRuleEvaluator(),
            floor=timedelta(minutes=1),
        )


def test_names_are_used_once() -> None:
    """A second use would silently overwrite the first; both places are told."""
    endpoint = "- {name: a, url: 'http://shop.example', every: 2s}"
    jobs = (
        f"jobs:\n- name: x\n  endpoints:\n  {endpoint}\n  {endpoint}\n- {{name: x, endpoints: []}}"
    )

    lines = faults(jobs)

    assert len(lines) == 2
    assert (
        "jobs.yaml:5:12: jobs[0].endpoints[1].name: the name 'a' is used twice (first in"
        in lines[0]
    )
    assert "jobs.yaml:6:10: jobs[1].name: the name 'x' is used twice (first in line 2)" in lines[1]


def test_a_url_that_is_not_let_out_names_the_remedy() -> None:
    """The operator reads how to allow it, with the place in the file."""
    text = ENDPOINT.replace("shop.example", "127.0.0.1:9000") + "        every: 2s\n"

    told = "5:14: jobs[0].endpoints[0].url: 127.0.0.1 is loopback and not let out. The operator"
    assert faults(text) == [f"jobs.yaml:{told} allows it with --egress-allow 127.0.0.1."]


def test_a_missing_variable_is_told_with_its_place() -> None:
    """Empty counts as missing: an empty token is never what was meant."""
    text = (
        f"{ENDPOINT}        every: ${{EVERY}}\n        headers: {{x-token: '${{TOKEN}} ${{}}'}}\n"
    )

    lines = faults(text, {"TOKEN": ""})

    assert len(lines) == 3
    assert "6:16: jobs[0].endpoints[0].every: the environment variable EVERY is not set" in lines[0]
    assert "7:28: jobs[0].endpoints[0].headers.x-token: the environment variable TOKEN" in lines[1]
    assert "after ${ must come a variable's name and }. Write ${NAME}, or $${" in lines[2]


@pytest.mark.parametrize(
    "member",
    [
        "every: ${SECRET}",
        "cron: ${SECRET}",
        "every: 2s\n        name: ${SECRET}\n",
        "every: 2s\n        headers: {x-token: [1, '${SECRET}']}",
        'every: 2s\n        headers: {x-token: "${SECRET}\\r\\n"}',
        "every: 2s\n        body: ${SECRET}\n        method: ${SECRET}",
    ],
)
def test_no_value_of_the_environment_is_told(member: str) -> None:
    """Trap T43: a secret in the wrong place does not end up in a message or a log."""
    lines = faults(f"{ENDPOINT}        {member}\n", {"SECRET": "hunter2" * 50})

    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    "member", ["headers: {x-token: 12345678}", "headers: {a: {value: 123456}}"]
)
def test_no_header_value_is_told(member: str) -> None:
    """Trap T43: a token made of digits, written without quotes, is told by its kind alone."""
    assert "1234" not in "".join(faults(f"{ENDPOINT}        every: 2s\n        {member}\n"))


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    """No file, a folder, another encoding, a stray byte: each says what to check."""
    (tmp_path / "utf16.yaml").write_text("jobs: []", encoding="utf-16")
    (tmp_path / "latin.yaml").write_bytes("jobs: []\n# für\n".encode("latin-1"))
    with (tmp_path / "huge.yaml").open("wb") as huge:
        huge.truncate(9 * 1024 * 1024)

    told = {}
    for name in ("none.yaml", ".", "utf16.yaml", "latin.yaml", "huge.yaml"):
        with pytest.raises(JobsFileRefused) as refused:
            file_text(tmp_path / name)
        told[name] = str(refused.value).removeprefix(str(tmp_path / name))

    assert "cannot be read: No such file" in told["none.yaml"]
    assert "cannot be read: Is a directory" in told["."]
    assert told["utf16.yaml"] == ": the file is not in UTF-8. Save it as UTF-8."
    assert told["latin.yaml"] == ":2:4: byte 0xFC is not UTF-8. Save the file as UTF-8."
    assert "larger than 8 MiB" in told["huge.yaml"]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors that write one are common, and it says nothing."""
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfjobs: []\r\n")

    assert file_text(tmp_path / "bom.yaml") == "jobs: []\r\n"

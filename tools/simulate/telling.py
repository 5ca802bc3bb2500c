"""Tells the story of a scenario that broke a promise, and how to see it again."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cronicorn_domain.instants import iso_milliseconds

from tools.simulate.judging import Verdict, judge
from tools.simulate.scenario import Scenario
from tools.simulate.trace import Line, Trace
from tools.simulate.wording import endpoint_in_words, in_words, trouble_in_words

LINES_MOST = 60
LINES_AFTER = 5
"""Of what happened only the last lines are told: those before the finding, and a few more."""


def story(profile: str, whole: Scenario, shrunk: Scenario, verdict: Verdict) -> Iterator[str]:
    """Tell what was found, who took part, what happened, and how to play it again."""
    yield f"Seed {shrunk.seed} of {profile!r} breaks a promise:"
    for sentence in sentences(verdict):
        yield f"  - {sentence}"
    yield "Who takes part, what is done, what breaks:"
    yield from (f"  {line}" for line in _cast(shrunk))
    yield "What happened:"
    yield from (f"  {line}" for line in _last_lines(shrunk, verdict))
    yield "See it again:"
    yield f"  {command(profile, whole, shrunk)}"
    yield "Keep it, in tests/simulation/test_found.py:"
    yield from (f"  {line}" for line in _test(profile, whole, shrunk, verdict))


def sentences(verdict: Verdict) -> tuple[str, ...]:
    """Return everything that was found, a sentence each."""
    found = (f"{each.fault}: {each.sentence}" for each in verdict.findings)
    return (*found, *verdict.broken)


def command(profile: str, whole: Scenario, shrunk: Scenario) -> str:
    """Return the command that plays the scenario again."""
    parts = [f"uv run tools/simulate --profile {profile} --seed {shrunk.seed}"]
    if shrunk.lasts != whole.lasts:
        parts.append(f"--duration {_seconds(shrunk.lasts)}s")
    if shrunk.parts() != whole.parts():
        parts.append(f'--only "{" ".join(shrunk.parts())}"')
    return " ".join(parts)


def _cast(scenario: Scenario) -> Iterator[str]:
    for new in scenario.newcomers:
        yield f"{new.name} after {new.after}: {endpoint_in_words(new.endpoint)}"
    for worker in scenario.workers:
        yield f"{worker.name} after {worker.after}: a worker, {worker.latency} from the store"
    for deed in scenario.deeds:
        yield f"{deed.name} after {deed.after}: {in_words(deed.act)}"
    for trouble in scenario.troubles:
        yield f"{trouble.name} after {trouble.after}: {trouble_in_words(trouble)}"


def _last_lines(scenario: Scenario, verdict: Verdict) -> Iterator[Line | str]:
    """Tell what happened up to the finding, and a little of what came then."""
    trace = Trace()
    judge(scenario, trace)
    lines = list(trace.about(verdict.findings[0].endpoint_id) if verdict.findings else trace)
    end = _end_of_story(lines, verdict) + LINES_AFTER
    begin = max(end - LINES_MOST, 0)
    if begin:
        yield f"({begin} lines before these are left out: --trace shows all)"
    yield from lines[begin:end]


def _end_of_story(lines: Sequence[Line], verdict: Verdict) -> int:
    """Return the number of the last line that names the slot of the finding; else the last."""
    slot = verdict.findings[0].slot if verdict.findings else None
    if slot is not None:
        named = f"slot {iso_milliseconds(slot)[11:-1]}"
        for number in range(len(lines) - 1, -1, -1):
            if named in lines[number].sentence:
                return number
    return len(lines)


def _test(profile: str, whole: Scenario, shrunk: Scenario, verdict: Verdict) -> Iterator[str]:
    yield f"def test_seed_{shrunk.seed}_of_{profile}() -> None:"
    yield f'    """{sentences(verdict)[0]}"""'
    yield f'    scenario = draw("{profile}", {shrunk.seed})'
    if shrunk.parts() != whole.parts():
        yield f"    scenario = scenario.only({{{', '.join(map(repr, shrunk.parts()))}}})"
    if shrunk.lasts != whole.lasts:
        yield f"    scenario = scenario.lasting(timedelta(seconds={_seconds(shrunk.lasts)}))"
    yield ""
    yield "    assert sentences(judge(scenario)) == ()"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():g}"

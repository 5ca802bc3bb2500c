"""Writes what was measured: a page, and a plot of each scenario."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cronicorn_domain.policies.ruling import action_in_words
from cronicorn_domain.wording import length_in_words
from cronicorn_worker.replaying.plot import Curve, Plot, Row

from tools.adaptation.measuring import Compared, Measured, Way
from tools.adaptation.stories import Story

HEAD = """# What adapting is worth

Five scenarios, each played on virtual time by the real scheduler, governor, rules and AI planner of
Cronicorn (the network and the database are simulated), beside fixed schedules on the same engine.
Each is played with rules, and with a model in their place.
All figures and plots here are written by

```console
$ uv run tools/adaptation
```

and not by hand. It takes some seconds, and the same code always gives the same figures. The fixed
schedules are:

- **as teams do it**: one interval, chosen as one would without rules;
- **as many calls**: the interval that makes about as many calls as the rules (or the model) did, to
  see how much sooner they react;
- **as soon**: the interval that reacts as soon as they did, in the mean, to see how many calls they
  save.

The model is **scripted**: it is given what a real one would be, reads the latest response with the
tools of a session, and proposes by a few lines of Python (`tools/adaptation/minds.py`) what a
sensible one would. Sessions, quota, guardrails and grants are the real ones; how well a model of
your choice thinks is not measured here. Its looks and tokens are no calls, and stand beside them;
the tokens are reckoned as those that are reserved: a vendor counts fewer. A
planner looks at an endpoint no sooner than five minutes after its last look: where a rule acts on
the very answer, a model acts on one of the last minutes, and has to see things coming.

An event is something that happens to the target. The reaction is the time from there to the first
call that can see it. What is aimed at: at most half of the calls at equal reaction, or five times
sooner at equal calls.

None of this is a promise for your target. Rules are as good as what an answer tells. Where nothing
in it changes before something happens, the first reaction is as slow as the interval of quiet
times: the worst column shows it.
"""


def page(measured: Sequence[Measured]) -> str:
    """Write the page."""
    return "\n".join(
        [HEAD, *_overview(measured), *(line for each in measured for line in _chapter(each))]
    )


def plot(measured: Measured) -> str:
    """Draw the calls of a scenario, over what they are about."""
    story = measured.story
    member = story.measured[1]
    values = [
        (each.at, float(value))
        for each in measured.ruled.same_reaction.calls[story.watched]
        if isinstance(value := each.answer.body.get(member), int)
    ]
    ways = (
        measured.usual,
        measured.ruled.same_calls,
        measured.ruled.adapted,
        measured.planned.adapted,
    )
    labels = ("as teams do it", "as many calls", "with rules", "with a model")
    return Plot(
        title=story.title,
        begins_at=story.world.begins_at,
        ends_at=story.world.begins_at + story.world.lasts,
        rows=[
            Row(label, [each.at for each in way.calls[story.watched]])
            for label, way in zip(labels, ways, strict=True)
        ],
        marks=Row("events", [each.at for each in story.events]),
        curve=Curve(story.measured[0], values),
    ).svg()


def _overview(measured: Sequence[Measured]) -> Iterator[str]:
    yield "| scenario | | sooner at equal calls | calls saved at equal reaction | |"
    yield "|---|---|---|---|---|"
    for each in measured:
        link = f"[{each.story.title}](#{_anchor(each.story)})"
        for compared in (each.ruled, each.planned):
            told = "reached" if compared.reached else "**missed**"
            yield (
                f"| {link} | {compared.adapted.name} | {_times(compared.sooner)} |"
                f" {_saved(each.story, compared)} | {told} |"
            )
            link = ""
    yield ""


def _times(sooner: float) -> str:
    return f"{sooner:.0f} times" if sooner >= 10 else f"{sooner:.1f} times"  # noqa: PLR2004


def _saved(story: Story, compared: Compared) -> str:
    left = story.world.runs_left
    if left is not None and compared.same_reaction.count >= left:
        return "the quota has not so many"
    return f"{1 - 1 / compared.fewer:.0%}"


def _chapter(measured: Measured) -> Iterator[str]:
    story = measured.story
    yield f"## {story.title}"
    yield ""
    yield story.told
    yield ""
    yield f"![Calls of each way over time](adaptation/{story.name}.svg)"
    yield ""
    yield "| way | calls | reaction, mean | median | worst | longest gap |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind, way in (
        ("as teams do it", measured.usual),
        ("**with rules**", measured.ruled.adapted),
        ("as many calls", measured.ruled.same_calls),
        ("as soon", measured.ruled.same_reaction),
        ("**with a model**", measured.planned.adapted),
        ("as many calls", measured.planned.same_calls),
        ("as soon", measured.planned.same_reaction),
    ):
        yield _row(kind, way)
    yield ""
    planned = measured.planned.adapted
    tokens = f"some {planned.tokens // 10_000 * 10_000:,} tokens"
    told = f"The model looked {planned.looks:,} times, with {tokens}."
    if story.reacts_planned:
        told += f" Its reaction is the call of `{story.reacts_planned}`, which comes last."
    yield told
    yield ""
    yield "```yaml"
    yield from _rules(story)
    yield "```"
    yield ""


def _row(kind: str, way: Way) -> str:
    name = way.name.partition(":")[0]
    shown = kind if name.startswith("with") else f"{kind}: {name}"
    lengths = (way.average, way.middle, way.worst, way.longest_gap)
    told = " | ".join(length_in_words(_tenths(each)) for each in lengths)
    return f"| {shown} | {way.count:,} | {told} |"


def _rules(story: Story) -> Iterator[str]:
    for plan in story.adapted:
        for rule in plan.rules:
            does = ", ".join(action_in_words(each) for each in rule.then)
            reason = f" ({rule.reason})" if rule.reason else ""
            yield f"# {plan.name}: {does}{reason}"
            yield f"- when: {rule.when}"


def _tenths(length: timedelta) -> timedelta:
    """Round to a tenth of a second."""
    tenth = timedelta(seconds=0.1)
    return round(length / tenth) * tenth


def _anchor(story: Story) -> str:
    kept = "".join(each for each in story.title.lower() if each.isalnum() or each in " -")
    return kept.replace(" ", "-")

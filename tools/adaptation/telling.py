"""Writes what was measured: a page, and a plot of each scenario."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cronicorn_domain.policies.ruling import action_in_words
from cronicorn_domain.wording import length_in_words
from cronicorn_worker.replaying.plot import Curve, Plot, Row

from tools.adaptation.measuring import Measured, Way
from tools.adaptation.stories import Story

HEAD = """# What adapting is worth

Five scenarios, each played on virtual time by the real scheduler, governor and rules of
Cronicorn (the network and the database are simulated), beside fixed schedules on the same engine.
All figures and plots here are written by

```console
$ uv run tools/adaptation
```

and not by hand. It takes some seconds, and the same code always gives the same figures. The fixed
schedules are:

- **as teams do it**: one interval, chosen as one would without rules;
- **as many calls**: the interval that makes about as many calls as the rules did, to see how much
  sooner rules react;
- **as soon**: the interval that reacts as soon as the rules did, in the mean, to see how many
  calls rules save.

An event is something that happens to the target. The reaction is the time from there to the first
call that can see it. What is aimed at: at most half of the calls at equal reaction, or five times
sooner at equal calls.

None of this is a promise for your target. Rules are as good as what an answer tells. Where nothing
in it changes before something happens, the first reaction is as slow as the interval of quiet
times: the worst column shows it. The AI planner has no part in these figures.
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
        for each in measured.same_reaction.calls[story.watched]
        if isinstance(value := each.answer.body.get(member), int)
    ]
    ways = (measured.usual, measured.same_calls, measured.adapted)
    labels = ("as teams do it", "as many calls", "with rules")
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
    yield "| scenario | sooner at equal calls | calls saved at equal reaction | |"
    yield "|---|---|---|---|"
    for each in measured:
        left = each.story.world.runs_left
        saved = f"{1 - 1 / each.fewer:.0%}"
        if left is not None and each.same_reaction.count >= left:
            saved = "the quota has not so many"
        told = "reached" if each.reached else "**missed**"
        yield (
            f"| [{each.story.title}](#{_anchor(each.story)}) | {each.sooner:.0f} times |"
            f" {saved} | {told} |"
        )
    yield ""


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
        ("as many calls", measured.same_calls),
        ("as soon", measured.same_reaction),
        ("**with rules**", measured.adapted),
    ):
        yield _row(kind, way)
    yield ""
    yield "```yaml"
    yield from _rules(story)
    yield "```"
    yield ""


def _row(kind: str, way: Way) -> str:
    name = way.name.partition(":")[0]
    shown = kind if "rules" in name else f"{kind}: {name}"
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

"""A bounded number of seeds in the ordinary suite; `tools/simulate` plays as many as one likes."""

import pytest

from tools.simulate.judging import judge
from tools.simulate.profiles import draw
from tools.simulate.telling import sentences

PLAYED = [
    *(("mixed", seed) for seed in range(4)),
    *(("interventions", seed) for seed in range(2)),
    *(("troubled", seed) for seed in range(2)),
    *(("daylight", seed) for seed in range(3)),
    *(("polite", seed) for seed in range(4)),
    *(("rationed", seed) for seed in range(4)),
    *(("leases", seed) for seed in range(4)),
    *(("clocks", seed) for seed in range(3)),
    *(("planned", seed) for seed in (0, 1, 108, 120)),
    # Behind the first few, seeds that broke a promise while rules were being built.
    *(("ruled", seed) for seed in (*range(4), 13, 27, 33, 117, 183, 212, 356)),
]


@pytest.mark.parametrize(("profile", "seed"), PLAYED)
def test_the_promises_hold(profile: str, seed: int) -> None:
    """
    Whatever breaks and whoever intervenes: nothing early, doubled, lost or unexplained.

    Whoever stands still, and whichever way clocks go.

    Whatever answers say and rules make of it, and whatever a model proposes, too.

    Traps T01, T03 to T14, T17, T22, T23, T25, T26, T33 to T35, T44 to T50 among others.
    """
    verdict = judge(draw(profile, seed))

    assert sentences(verdict) == ()
    assert verdict.runs > 10

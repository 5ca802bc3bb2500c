"""The planted faults are real patches: each says what it breaks, and still fits the code."""

from pathlib import Path

import pytest

from tools.plant.fault import Fault, every_fault

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", every_fault(), ids=lambda fault: fault.name)
def test_a_fault_fits_the_code(fault: Fault) -> None:
    """A fault that can no longer be planted proves nothing, so it has to fit the code of today."""
    assert fault.sentence.endswith(".")
    assert fault.files()
    assert fault.fits(ROOT)


def test_there_are_enough_of_them() -> None:
    """At least 25 faults are planted, no two of the same sentence."""
    faults = every_fault()

    assert len(faults) >= 25
    assert len({fault.sentence for fault in faults}) == len(faults)

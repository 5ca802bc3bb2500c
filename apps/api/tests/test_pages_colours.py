"""The colours of the dashboard, computed from its style: what is read and told apart can be."""

import math
import re
from importlib.resources import files
from itertools import combinations

import pytest

STYLE = (files("cronicorn_api.pages") / "styles" / "00-tokens.css").read_text("utf-8")
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\);", STYLE))
THEMES = ("light", "dark")
OUTCOMES = ("ok", "target-failed", "we-failed", "running", "late", "not-run")
TEXTS = ("text", "muted", "action")
MARKS = (*OUTCOMES, "hint", "edge", "focus", "danger")
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    # Machado, Oliveira, Fernandes 2009, severity 1.
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def colour(name: str, theme: str) -> tuple[float, float, float]:
    """Return a token's red, green and blue, linear, from 0 to 1."""
    digits = TOKENS[name].split(", ")[THEMES.index(theme)]
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return linear(red), linear(green), linear(blue)


def linear(part: float) -> float:
    """Take the gamma of sRGB away."""
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def luminance(of: tuple[float, float, float]) -> float:
    """Return the relative luminance of WCAG."""
    return 0.2126 * of[0] + 0.7152 * of[1] + 0.0722 * of[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Return the contrast of WCAG."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def seen(of: tuple[float, float, float], sight: str) -> tuple[float, float, float]:
    """Return a colour as somebody sees it who has this sight."""
    made = [sum(a * b for a, b in zip(row, of, strict=True)) for row in SIGHTS[sight]]
    red, green, blue = (min(1.0, max(0.0, each)) for each in made)
    return red, green, blue


def lab(of: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return a colour in CIELAB, in the white of D65."""
    red, green, blue = of
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (each ** (1 / 3) if each > 216 / 24389 else (841 / 108) * each + 4 / 29
                  for each in (x, y, z))  # fmt: skip
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Return the difference of two colours by CIEDE2000 (Sharma, Wu, Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = lab(one), lab(other)
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dl, dc = l2 - l1, c2 - c1
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * math.cos(math.radians(hm - 30))
        + 0.24 * math.cos(math.radians(2 * hm))
        + 0.32 * math.cos(math.radians(3 * hm + 6))
        - 0.20 * math.cos(math.radians(4 * hm - 63))
    )
    sl = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    turning = 60 * math.exp(-(((hm - 275) / 25) ** 2))
    rt = -2 * math.sqrt(cm**7 / (cm**7 + 25**7)) * math.sin(math.radians(turning))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", TEXTS)
def test_text_can_be_read(name: str, theme: str) -> None:
    """At 4.5 to 1 on whatever it stands on (WCAG 1.4.3)."""
    for ground in ("canvas", "surface", "sunken"):
        assert contrast(colour(name, theme), colour(ground, theme)) >= 4.5, ground


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", MARKS)
def test_marks_can_be_seen(name: str, theme: str) -> None:
    """At 3 to 1 on whatever they stand on (WCAG 1.4.11)."""
    for ground in ("canvas", "surface", "sunken"):
        assert contrast(colour(name, theme), colour(ground, theme)) >= 3.0, ground


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("filled", ["action", "danger"])
def test_buttons_can_be_read(filled: str, theme: str) -> None:
    """What stands on a filled button."""
    assert contrast(colour("on-action", theme), colour(filled, theme)) >= 4.5


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(("theme", "least"), [("light", 12.7), ("dark", 15.3)])
def test_outcomes_can_be_told_apart(theme: str, least: float, sight: str) -> None:
    """By people who see three colours, and by those who see two."""
    for one, other in combinations(OUTCOMES, 2):
        apart = distance(seen(colour(one, theme), sight), seen(colour(other, theme), sight))

        assert apart >= least, f"{one} and {other} are {apart:.1f} apart"


def test_distances_are_computed_as_published() -> None:
    """A pair of colours whose difference is known: pure red and pure green."""
    assert distance((1, 0, 0), (0, 1, 0)) == pytest.approx(86.6, abs=0.1)


def test_every_colour_has_both_themes() -> None:
    """And none stands outside of the list, where no test would see it."""
    styles = files("cronicorn_api.pages") / "styles"
    for each in styles.iterdir():
        text = each.read_text("utf-8")
        if each.name != "00-tokens.css":
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*[{,:>.])", text), each.name

    assert set(OUTCOMES) <= TOKENS.keys()

"""The palette: seen on a light and on a dark page, and told apart by every kind of colour vision."""

import itertools
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.figures import theme
from core.figures.overlay import heat_ramp
from core.registry.heads import HEADS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(color):
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb):
    return float(rgb @ TO_XYZ[1])


def lab(rgb):
    x = np.clip(rgb @ TO_XYZ.T, 0, None) / WHITE
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(first, second):
    high, low = sorted((luminance(linear(first)), luminance(linear(second))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", theme.PALETTE)
@pytest.mark.parametrize("page", ["light", "dark"])
def test_every_colour_has_three_to_one_against_the_page(color, page):
    assert contrast(color, CONFIG["theme"][page]["backgroundColor"]) >= 3.0


@pytest.mark.parametrize("vision", VISION)
def test_no_two_colours_look_alike(vision):
    seen = [lab(np.clip(VISION[vision] @ linear(c), 0, 1)) for c in theme.PALETTE]
    closest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    assert closest >= 15  # CIE 1976; 2.3 is the least difference that is noticed


def test_the_four_heads_that_are_compared_have_four_colours_and_the_floor_is_grey():
    heads = ("mlp", "logistic_regression", "random_forest", "gradient_boosting")
    assert len({theme.head_color(h) for h in heads}) == 4
    assert theme.head_color("dummy") == theme.MUTED
    assert all(theme.head_color(h).startswith("#") for h in HEADS)


@pytest.mark.parametrize("page", ["light", "dark"])
def test_text_and_buttons_can_be_read_in_both_themes(page):
    colors = CONFIG["theme"][page]
    assert contrast(colors["textColor"], colors["backgroundColor"]) >= 7
    assert contrast(colors["textColor"], colors["secondaryBackgroundColor"]) >= 7
    assert contrast(colors["linkColor"], colors["backgroundColor"]) >= 4.5
    # the accent is read as text on the page, and words are read on it: white ones, or dark ones in the dark look
    looks = (ROOT / "pages" / "ui" / "looks.py").read_text(encoding="utf-8")
    white, dark = re.search(r"light-dark\((#\w+), (#\w+)\)", looks).groups()
    assert contrast(white if page == "light" else dark, colors["primaryColor"]) >= 4.5
    assert contrast(colors["primaryColor"], colors["backgroundColor"]) >= 4.5
    assert colors["chartCategoricalColors"] == list(theme.PALETTE)


def test_the_heat_ramp_gets_lighter_all_the_way():
    ramp = heat_ramp() / 255
    values = np.where(ramp <= 0.04045, ramp / 12.92, ((ramp + 0.055) / 1.055) ** 2.4) @ TO_XYZ[1]
    assert len(values) == 256
    assert (np.diff(values) > 0).all()


def test_the_app_ships_closed_and_quiet():
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["headless"] is True

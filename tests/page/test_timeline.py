from __future__ import annotations

import re

import numpy as np
import pytest

from extractors.media.preview import Preview
from img.page.drawing.rendering import render, tell_time
from img.page.drawing.timeline import Band, Lane, render_timeline
from img.page.looking.strip import Strip, draw_strip
from img.reports.colours import Colour, colour_of

COLOUR = Colour("#000000", "#ffffff")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0:00.0"), (3.24, "0:03.2"), (59.96, "1:00.0"), (760, "12:40.0"), (3723.5, "1:02:03.5")],
)
def test_times_read_as_on_a_clock(seconds: float, told: str) -> None:
    assert tell_time(seconds) == told


def test_bands_lie_where_their_seconds_are() -> None:
    html = render_timeline(20.0, Strip(), [Lane("fusion", COLOUR, [Band(5, 10), Band(0, 1, 2)])])
    places = re.findall(r'data-rank="(\d)"\s+style="left: ([\d.]+)%; width: ([\d.]+)%"', html)
    # The best is drawn last, on top.
    assert places == [("2", "0.000", "5.000"), ("1", "25.000", "25.000")]


def test_numbers_do_not_stand_on_each_other() -> None:
    bands = [Band(5, 10), Band(5.1, 7, 2), Band(8, 9, 3)]
    html = render_timeline(20.0, Strip(), [Lane("fusion", COLOUR, bands)])
    assert re.findall(r"<em>(\d)</em>", html) == ["3", "1"]


def test_a_band_beyond_the_video_is_cut_off() -> None:
    html = render_timeline(10.0, Strip(), [Lane("fusion", COLOUR, [Band(8, 14)])])
    assert "left: 80.000%; width: 20.000%" in html


def test_curves_stand_at_the_middles_of_their_clips_and_reach_their_own_height() -> None:
    curves = {"start": np.array([0.0, 0.5]), "end": np.array([0.0, 0.0])}
    html = render_timeline(10.0, Strip(), [Lane("fusion", COLOUR, [], curves)])
    solid, dashed = re.findall(r'class="curve( dashed)?" d="(M0[^"]*L1000[^"]*)"', html)
    assert solid == ("", "M0,96.0 L250.0,96.0 L750.0,6.0 L1000,6.0")
    assert dashed == (" dashed", "M0,96.0 L250.0,96.0 L750.0,96.0 L1000,96.0")


def test_importance_is_shown_where_the_model_says_it() -> None:
    assert "importance" in render_timeline(10.0, Strip(), importance=0.25)
    assert "importance" not in render_timeline(10.0, Strip())


def test_ticks_are_few_whatever_the_length() -> None:
    for seconds in (0.4, 7, 61, 1800, 5 * 3600):
        ticks = render_timeline(seconds, Strip()).count('class="tick')
        assert 1 <= ticks <= 9, seconds


def test_a_strip_holds_every_picture_and_the_sound_at_its_length() -> None:
    pictures = np.zeros((3, 4, 6, 3), np.uint8)
    strip = draw_strip(Preview(pictures, np.array([0.5, 1.0], np.float32), 10.0, 5.0), 10.0)
    assert len(strip.pictures) == 3
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in strip.pictures)
    # Five of ten seconds have sound.
    assert strip.sound == "M0.0,-50.0 L500.0,-100.0 L500.0,100.0 L0.0,50.0 Z"
    assert draw_strip(Preview(pictures, np.zeros(0, np.float32), 10.0, 0.0), 10.0).sound == ""


def test_what_others_wrote_is_escaped() -> None:
    html = render_timeline(10.0, Strip(), [Lane('<b onclick="x">', COLOUR, [])])
    assert "<b" not in html
    assert "&lt;b onclick" in html
    status = render("status.html.jinja", message="<script>x</script>", share=None, failed=True)
    assert "<script>" not in status


def test_a_branch_has_its_colour_by_its_place_among_the_branches() -> None:
    branches = ["fusion", "visual", "audio"]
    colours = [colour_of(branches, branch) for branch in branches]
    assert len(set(colours)) == 3
    assert colour_of(["visual", "audio"], "visual") == colours[0]


def test_colours_can_be_read_on_their_ground() -> None:
    for branch in "abcd":
        colour = colour_of("abcd", branch)
        assert contrast(colour.light, "#ffffff") >= 4.5
        assert contrast(colour.dark, "#0b0f19") >= 4.5


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.1 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])

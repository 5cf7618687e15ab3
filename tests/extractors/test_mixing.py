from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from extractors.media.errors import MediaError
from extractors.media.mixing import LOUDEST, Mixer, mono_weights

FILE = Path("a.wav")


def frame(samples: np.ndarray, layout: str, sample_format: str = "flt") -> av.AudioFrame:
    """A frame of samples [S, C]."""
    made = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=sample_format, layout=layout)
    made.sample_rate, made.time_base, made.pts = 16000, Fraction(1, 16000), 8000
    return made


@pytest.mark.parametrize(
    "layout",
    ["mono", "stereo", "2.1", "3.0", "4.0", "quad", "5.0", "5.1", "5.1(side)", "6.1", "7.1", "7.1(wide)"],
)
def test_weights_are_ffmpegs_scaled_so_that_no_mix_exceeds_full_scale(layout: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    impulses = frame(np.eye(channels, dtype=np.float32), layout)
    (mixed,) = av.AudioResampler(format="flt", layout="mono").resample(impulses)
    ffmpeg = mixed.to_ndarray()[0]
    weights = mono_weights(av.AudioLayout(layout))
    np.testing.assert_allclose(weights, ffmpeg / ffmpeg.sum(), atol=1e-6)
    np.testing.assert_allclose(Mixer(FILE).mix(impulses), weights, atol=1e-6)


def test_two_channels_are_averaged() -> None:
    assert mono_weights(av.AudioLayout("stereo")).tolist() == [0.5, 0.5]


def test_the_voice_in_the_centre_counts_most_and_low_frequencies_nothing() -> None:
    weights = dict(
        zip(("FL", "FR", "FC", "LFE", "BL", "BR"), mono_weights(av.AudioLayout("5.1")), strict=True)
    )
    assert weights["FC"] == pytest.approx(0.2929, abs=1e-4)
    assert weights["FL"] == weights["FR"] == pytest.approx(0.2071, abs=1e-4)
    assert weights["BL"] == weights["BR"] == pytest.approx(0.1464, abs=1e-4)
    assert weights["LFE"] == 0


@pytest.mark.parametrize("layout", ["6 channels", "20 channels", "ambisonic 1"])
def test_channels_without_a_place_are_averaged(layout: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    samples = np.random.default_rng(0).random((50, channels), np.float32)
    np.testing.assert_allclose(Mixer(FILE).mix(frame(samples, layout)), samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("sample_format", "half"),
    [
        ("u8", np.uint8(192)),
        ("s16", np.int16(1 << 14)),
        ("s32", np.int32(1 << 30)),
        ("flt", np.float32(0.5)),
        ("dbl", np.float64(0.5)),
    ],
)
def test_full_scale_is_one_in_every_number_format(sample_format: str, half: np.generic) -> None:
    assert Mixer(FILE).mix(frame(np.full((7, 1), half), "mono", sample_format)).tolist() == [0.5] * 7


@pytest.mark.parametrize("channels", [8, 12, 24])
def test_any_number_of_channels_in_planes_of_their_own_is_read(channels: int) -> None:
    samples = np.random.default_rng(0).random((100, channels), np.float32)
    (planar,) = av.AudioResampler(format="fltp").resample(frame(samples, f"{channels} channels"))
    assert planar.format.is_planar
    np.testing.assert_allclose(Mixer(FILE).mix(planar), samples.mean(axis=1), atol=1e-6)


def test_format_and_channels_may_change_from_frame_to_frame() -> None:
    mixer = Mixer(FILE)
    assert mixer.mix(frame(np.full((3, 1), 0.25, np.float32), "mono")).tolist() == [0.25] * 3
    assert mixer.mix(frame(np.full((4, 2), 1 << 13, np.int16), "stereo", "s16")).tolist() == [0.25] * 4
    surround = frame(np.full((5, 6), 0.25, np.float32), "5.1")
    np.testing.assert_allclose(mixer.mix(surround), [0.25] * 5, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -33.0])
@pytest.mark.parametrize("sample_format", ["flt", "dbl"])
@pytest.mark.parametrize("channel", range(6))
def test_values_that_are_no_sound_are_refused_in_every_channel(
    value: float, sample_format: str, channel: int
) -> None:
    samples = np.zeros((100, 6), {"flt": np.float32, "dbl": np.float64}[sample_format])
    samples[50, channel] = value
    words = r"a\.wav: expected samples of at most 32 times full scale, found (nan|inf|1e\+30|33) at 0\.500 s"
    with pytest.raises(MediaError, match=words):
        Mixer(FILE).mix(frame(samples, "5.1", sample_format))


def test_sound_beyond_full_scale_passes_up_to_the_limit() -> None:
    samples = np.array([[LOUDEST], [-LOUDEST], [1.5]], np.float32)
    assert Mixer(FILE).mix(frame(samples, "mono")).tolist() == [32.0, -32.0, 1.5]

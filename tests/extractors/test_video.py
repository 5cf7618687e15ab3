from pathlib import Path

import numpy as np
import pytest
from media import number_of, picture, write_sound, write_video

from extractors.media import video
from extractors.media.container import first_frame_time
from extractors.media.errors import MediaError
from extractors.media.video import frame_windows
from extractors.registry import FrameParameters

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
DECODERS = ("decord", "pyav")
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the shared sample videos")


def parameters(**settings):
    defaults = {"weights": "random", "window": 4, "stride": 4, "shorter_side": 64, "crop": 64}
    return FrameParameters(**{**defaults, **settings})


def numbers_and_times(path, decoder, **settings):
    windows = list(frame_windows(path, parameters(**settings), decoder))
    return [[number_of(frame) for frame in w.data] for w in windows], [(w.start, w.end) for w in windows]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", ["a.mp4", "it's a video.mkv"])
def test_native_rate_gives_every_frame_in_order_with_its_own_times(tmp_path, decoder, name):
    times = [0, 0.1, 0.2, 0.3, 1.0, 1.1, 1.2, 1.3, 1.4]
    path = write_video(tmp_path / name, times)
    numbers, spans = numbers_and_times(path, decoder)
    # Nine frames: windows from 0, 4 and 8; the last is moved back to 4, and frame 8 never used.
    assert numbers == [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7]]
    np.testing.assert_allclose(spans, [(0, 1.0), (1.0, 1.4), (1.0, 1.4)], atol=1e-6)


@pytest.mark.parametrize("decoder", DECODERS)
def test_fixed_rate_samples_a_variable_one_by_time(tmp_path, decoder):
    # Ten frames in the first second, then three half a second apart; four slots a second show the last frame
    # rounded to them: 0 and 0.1 s to slot 0, 0.2 and 0.3 to 1, 0.4 to 0.6 to 2, 0.7 and 0.8 to 3, ...
    times = [*(k / 10 for k in range(10)), 1.0, 1.5, 2.0]
    path = write_video(tmp_path / "variable.mp4", times)
    numbers, spans = numbers_and_times(path, decoder, frame_rate=4)
    # Eight slots, 1 3 6 8 10 10 11 11, of which the last is not used.
    assert numbers == [[1, 3, 6, 8], [8, 10, 10, 11]]
    np.testing.assert_allclose(spans, [(0, 1.0), (0.75, 1.75)])


@pytest.mark.parametrize("decoder", DECODERS)
def test_times_count_from_the_first_frame(tmp_path, decoder):
    path = write_video(tmp_path / "late.mkv", np.arange(9) / 10 + 3)
    _, spans = numbers_and_times(path, decoder)
    np.testing.assert_allclose(spans[:2], [(0, 0.4), (0.4, 0.8)], atol=2e-3)
    assert first_frame_time(path) == pytest.approx(3.0)


@pytest.mark.parametrize("decoder", DECODERS)
def test_rotation_in_the_metadata_is_applied(tmp_path, decoder):
    path = write_video(tmp_path / "turned.mp4", np.arange(5) / 10, size=(64, 64), rotation=90)
    window = next(frame_windows(path, parameters(), decoder))
    upright = np.rot90(picture(2, 64, 64))
    assert np.abs(window.data[2, ..., 1] - upright.astype(float)).mean() < 12


@needs_data
@pytest.mark.parametrize("decoder", DECODERS)
def test_real_rotated_video_stands_upright(decoder):
    path = DATA / "media" / "video_90.mov"
    window = next(frame_windows(path, parameters(shorter_side=320, crop=320), decoder))
    other = next(frame_windows(path, parameters(shorter_side=320, crop=320), DECODERS[decoder == "decord"]))
    np.testing.assert_array_equal(window.data, other.data)


@needs_data
@pytest.mark.parametrize(
    ("name", "frame_rate"),
    [("v_GGSY1Qvo990.mp4", None), ("v_GGSY1Qvo990.mp4", 3.75), ("v_ZNVhz7ctTq0.mp4", 24)],
)
def test_both_decoders_give_the_same_windows(name, frame_rate):
    path = DATA / "activitynet_mini" / "videos" / name
    ours = parameters(frame_rate=frame_rate, window=16, stride=16)
    pairs = zip(frame_windows(path, ours, "decord"), frame_windows(path, ours, "pyav"), strict=True)
    for decord, pyav in pairs:
        assert (decord.start, decord.end) == (pyav.start, pyav.end)
        np.testing.assert_array_equal(decord.data, pyav.data)


def test_emptying_decords_queue_loses_no_frame(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", np.arange(200) / 25)
    expected = numbers_and_times(path, "pyav")
    monkeypatch.setattr(video, "_DECORD_BYTES", 30 * 64 * 64 * 3)
    assert numbers_and_times(path, "decord") == expected
    assert expected[0][10] == [40, 41, 42, 43]


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_sound_file_is_not_a_video(tmp_path, decoder):
    path = write_sound(tmp_path / "only.wav", np.zeros((1, 800)), 8000)
    with pytest.raises(MediaError, match=r"only\.wav: expected a video stream, found only audio"):
        list(frame_windows(path, parameters(), decoder))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty file"), (b"no video " * 400, "damaged"), (None, "found none")]
)
def test_what_is_no_media_file_is_named(tmp_path, decoder, content, message):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=rf"bad\.mp4.*{message}"):
        list(frame_windows(path, parameters(), decoder))


def test_decords_reason_holds_no_clock_time_and_no_line_of_its_source(tmp_path):
    path = write_video(tmp_path / "bad.mp4", np.arange(50) / 10)
    content = path.read_bytes()
    media, half = content.index(b"mdat") + 64, len(content) // 2
    path.write_bytes(content[:media] + bytes(half) + content[media + half :])
    with pytest.raises(MediaError, match=r"bad\.mp4: decord cannot decode it \((?!\[)") as caught:
        list(frame_windows(path, parameters(), "decord"))
    assert ".cc:" not in str(caught.value)


@needs_data
@pytest.mark.parametrize("decoder", DECODERS)
def test_damage_in_the_middle_is_an_error(decoder):
    with pytest.raises(MediaError, match=r"corrupted\.mp4"):
        list(frame_windows(DATA / "media" / "corrupted.mp4", parameters(), decoder))


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_mp4_cut_short_is_an_error(tmp_path, decoder):
    path = write_video(tmp_path / "cut.mp4", np.arange(50) / 10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"cut\.mp4"):
        list(frame_windows(path, parameters(), decoder))


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_matroska_file_cut_short_gives_fewer_windows(tmp_path, decoder):
    path = write_video(tmp_path / "cut.mkv", np.arange(100) / 10)
    whole = numbers_and_times(path, decoder)[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    numbers = numbers_and_times(path, decoder)[0]
    assert 0 < len(numbers) < len(whole)
    assert numbers[:-2] == whole[: len(numbers) - 2]

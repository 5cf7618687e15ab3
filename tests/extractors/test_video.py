from pathlib import Path

import av
import numpy as np
import pytest
from media import number_of, picture, write_frames, write_sound, write_video

from extractors.kinds.slowfast.parameters import SlowFastParameters
from extractors.media import decord_reader
from extractors.media.container import first_frame_time
from extractors.media.errors import MediaError, ShortMediaError
from extractors.media.video import frame_windows
from extractors.parameters import FrameParameters, ImageParameters

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
@pytest.mark.parametrize(("shown", "expected"), [("middle", [4, 14, 24]), ("start", [0, 10, 20])])
def test_an_image_a_second_keeps_the_last_slot(tmp_path, decoder, shown, expected):
    path = write_video(tmp_path / "a.mp4", np.arange(26) / 10)
    ours = ImageParameters(weights="random", clip_seconds=1.0, shown=shown, shorter_side=64, crop=64)
    windows = list(frame_windows(path, ours, decoder))
    assert [number_of(window.data[0]) for window in windows] == expected
    assert [window.data.shape for window in windows] == [(1, 64, 64, 3)] * 3
    np.testing.assert_allclose([(w.start, w.end) for w in windows], [(0, 1), (1, 2), (2, 3)])


@pytest.mark.parametrize("decoder", DECODERS)
def test_clips_are_the_published_32_frames_and_the_last_one_is_filled(tmp_path, decoder):
    # 58 frames at 25 a second are 2.32 s, 70 slots at 30: clips of 1 s, the last of 10 slots.
    path = write_frames(tmp_path / "a.mp4", "libx264", 58, bf="0")
    slots = shown(58, 30)
    assert len(slots) == 70
    recorded = np.load(Path(__file__).parents[1] / "golden" / "slowfast_hero_indices.npz")["1s_25fps"]
    filled = [*slots[60:], *slots[-1:] * 20]
    ours = SlowFastParameters(weights="random", preset="cg_detr", shorter_side=64, crop=64)
    windows = list(frame_windows(path, ours, decoder))
    numbers = [[number_of(frame) for frame in window.data] for window in windows]
    clips = slots[:30], slots[30:60], filled
    assert numbers == [[clip[place] for place in recorded] for clip in clips]
    np.testing.assert_allclose([(w.start, w.end) for w in windows], [(0, 1), (1, 2), (2, 70 / 30)])


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


# How each codec stores its frames: in another order than they are shown, wherever it can.
STORED = {
    "h264.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "h264_open_groups.mkv": ("libx264", {"x264-params": "open-gop=1:keyint=12:bframes=3"}),
    "h264.avi": ("libx264", {"bf": "3", "g": "12"}),
    "h264.ts": ("libx264", {"bf": "3", "g": "12"}),
    "hevc.mp4": ("libx265", {"x265-params": "log-level=none:keyint=12"}),
    "hevc_open_groups.mkv": ("libx265", {"x265-params": "log-level=none:open-gop=1:keyint=12"}),
    "vp8.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30", "deadline": "realtime"}),
    "vp9.webm": (
        "libvpx-vp9",
        {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30", "deadline": "realtime"},
    ),
    "av1.mp4": ("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}),
    "mpeg1.mpg": ("mpeg1video", {"bf": "2"}),
    "mpeg2.mpg": ("mpeg2video", {"bf": "2"}),
    "mpeg2.mkv": ("mpeg2video", {"bf": "2"}),
    "mpeg4.avi": ("mpeg4", {"bf": "2"}),
    "mpeg4.mp4": ("mpeg4", {"bf": "2"}),
    "wmv.wmv": ("wmv2", {}),
    "flv.flv": ("flv", {}),
    "motion_jpeg.avi": ("mjpeg", {}),
}
RATES = (None, 24, 3.75)
READ_BY_DECORD = {
    "h264.mp4",
    "h264_open_groups.mkv",
    "hevc.mp4",
    "vp8.webm",
    "vp9.webm",
    "mpeg4.mp4",
}
# Their containers hold no times of display: FFmpeg guesses those, up to two frames wrong.
GUESSED = {"h264.avi": 2, "mpeg1.mpg": 1, "mpeg2.mpg": 2}


@pytest.mark.parametrize("frame_rate", RATES)
@pytest.mark.parametrize("name", STORED)
def test_however_frames_are_stored_the_right_ones_come(tmp_path, monkeypatch, name, frame_rate):
    codec, options = STORED[name]
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_frames(tmp_path / name, codec, 120, pixel_format=pixel_format, **options)
    slots = shown(120, frame_rate)
    expected = [slots[start : start + 4] for start in range(0, len(slots) - 4, 4)]
    numbers, spans = numbers_and_times(path, "pyav", frame_rate=frame_rate)
    numbers = numbers[: len(expected)]
    assert np.abs(np.array(numbers) - expected).max() <= (GUESSED.get(name, 0) if frame_rate else 0)
    # Small enough to seek to every safe key frame.
    monkeypatch.setattr(decord_reader, "_GROUP_BYTES", 5 * 64 * 64 * 3)
    try:
        found = numbers_and_times(path, "decord", frame_rate=frame_rate)
    except MediaError:
        if name in READ_BY_DECORD:
            raise
    else:
        assert found[1] == spans
        assert found[0][: len(expected)] == numbers


def shown(count: int, frame_rate: float | None) -> list[int]:
    """The frame of a video at 25 a second that each slot shows."""
    if frame_rate is None:
        return list(range(count))
    first = [int(number / 25 * frame_rate + 0.5) for number in range(count + 1)]
    return [max(k for k in range(count) if first[k] <= slot) for slot in range(first[count])]


def test_decord_is_left_where_a_key_frame_is_not_pyavs(tmp_path, monkeypatch):
    path = write_frames(tmp_path / "a.mp4", "libx264", 60, g="12", bf="0")
    index = decord_reader._index(path)
    wrong = sorted(index.digests)[2]
    index.digests[wrong] = index.digests[0]
    monkeypatch.setattr(decord_reader, "_index", lambda path: index)
    with pytest.raises(MediaError, match=rf"not to be trusted .*: its frame {wrong} is not PyAV's"):
        list(frame_windows(path, parameters(), "decord"))


def test_decord_is_left_where_it_could_choose_another_stream(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64, 64 << number, "yuv420p"
        for number, stream in enumerate(streams):
            frame = av.VideoFrame.from_ndarray(picture(7 + number, 64 << number, 64), format="gray")
            container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(MediaError, match="which of several video streams"):
        list(frame_windows(path, parameters(), "decord"))
    assert numbers_and_times(path, "pyav")[0] == [[7] * 4]


def test_decord_is_left_where_its_queue_could_grow_too_long(tmp_path, monkeypatch):
    path = write_frames(tmp_path / "a.mp4", "libx264", 60, g="60", bf="0")
    monkeypatch.setattr(decord_reader, "_GROUP_BYTES_AT_MOST", 40 * 64 * 64 * 3)
    with pytest.raises(MediaError, match="key frames are too far apart"):
        list(frame_windows(path, parameters(), "decord"))


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_jump_in_time_is_a_failure_by_name(tmp_path, decoder):
    path = write_video(tmp_path / "jump.mkv", [0, 0.1, 0.2, 900, 900.1, 900.2])
    with pytest.raises(MediaError, match=r"at least every 600 s, found none from 0\.200 to 900\.000 s"):
        list(frame_windows(path, parameters(frame_rate=24), decoder))


def test_a_picture_that_stands_still_for_minutes_is_none(tmp_path):
    path = write_video(tmp_path / "slides.mkv", [0, 300, 600, 600.1])
    numbers, _ = numbers_and_times(path, "pyav", frame_rate=0.02)
    assert numbers[0][:4] == [0, 0, 0, 0]


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
    path = write_frames(tmp_path / "bad.mp4", "libx264", 50, g="10", bf="0")
    content = path.read_bytes()
    media = content.index(b"mdat")
    path.write_bytes(content[: media + 1000] + bytes(300) + content[media + 1300 :])
    with pytest.raises(MediaError, match=r"bad\.mp4: .*") as caught:
        list(frame_windows(path, parameters(), "decord"))
    assert ".cc:" not in str(caught.value)
    assert "[" not in str(caught.value).partition("bad.mp4")[2]


@needs_data
@pytest.mark.parametrize("decoder", DECODERS)
def test_damage_in_the_middle_is_an_error(decoder):
    with pytest.raises(MediaError, match=r"corrupted\.mp4"):
        list(frame_windows(DATA / "media" / "corrupted.mp4", parameters(), decoder))


CONTAINERS = {
    "index_last.mp4": ({}, True),
    "index_first.mp4": ({"movflags": "faststart"}, False),
    "fragments.mp4": ({"movflags": "frag_keyframe+empty_moov+default_base_moof"}, False),
    "a.mov": ({"movflags": "faststart"}, False),
    "a.mkv": ({}, False),
    "a.webm": ({}, False),
    "a.avi": ({}, False),
    "a.flv": ({}, False),
    "a.wmv": ({}, False),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_cut_short_gives_what_it_has_and_says_so(tmp_path, name):
    options, refused = CONTAINERS[name]
    codec = {"webm": "libvpx", "avi": "mpeg4", "wmv": "wmv2"}.get(name.split(".")[1], "libx264")
    path = write_frames(tmp_path / name, codec, 100, container_options=options, bf="0", g="25")
    whole = numbers_and_times(path, "pyav")[0]
    assert whole[:24] == [list(range(start, start + 4)) for start in range(0, 96, 4)]
    content = path.read_bytes()
    for percent in range(5, 81, 5):
        path.write_bytes(content[: len(content) * percent // 100])
        windows = []
        with pytest.raises(MediaError, match=name) as caught:
            windows += frame_windows(path, parameters(), "pyav")
        with pytest.raises(MediaError, match=name):
            list(frame_windows(path, parameters(), "decord"))
        if isinstance(caught.value, ShortMediaError):
            assert not refused
            assert caught.value.reached < 3.8 or caught.value.promised is None
        # All but the last two windows are filled, none from the end.
        numbers = [[number_of(frame) for frame in window.data] for window in windows][:-2]
        assert numbers == whole[: len(numbers)]


def remux(source: Path, target: Path, options: dict[str, str]) -> Path:
    """Puts the first video of a file into another container, as it is stored."""
    with av.open(str(source)) as given, av.open(str(target), "w", options=options) as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    return target


@needs_data
@pytest.mark.parametrize("name", ["v_GGSY1Qvo990.mp4", "v_ZNVhz7ctTq0.mp4"])
def test_a_real_file_cut_anywhere_is_never_whole(tmp_path, name):
    path = remux(DATA / "activitynet_mini" / "videos" / name, tmp_path / name, {"movflags": "faststart"})
    content = path.read_bytes()
    reached = []
    for percent in range(5, 100, 5):
        path.write_bytes(content[: len(content) * percent // 100])
        with pytest.raises(MediaError, match=name) as caught:
            list(frame_windows(path, parameters(frame_rate=1), "pyav"))
        if isinstance(caught.value, ShortMediaError):
            reached.append(caught.value.reached)
    assert reached == sorted(reached)
    assert len(reached) >= 17


def test_a_transport_stream_cut_short_gives_fewer_windows(tmp_path):
    path = write_video(tmp_path / "cut.ts", np.arange(100) / 10)
    whole = numbers_and_times(path, "pyav")[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    numbers = numbers_and_times(path, "pyav")[0]
    assert 0 < len(numbers) < len(whole)
    assert numbers[:-2] == whole[: len(numbers) - 2]

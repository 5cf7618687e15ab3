import numpy as np
import pytest
from media import write_sound, write_video

from extractors.media.audio import cut, read_audio
from extractors.media.errors import MediaError, NoAudioError

RATE = 16000


def tone(seconds, frequency=440.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def onset(samples, rate=RATE):
    """Seconds at which it begins to be loud."""
    return np.argmax(np.abs(samples) > 0.1) / rate


def test_channels_are_averaged_at_full_scale_one(tmp_path):
    left, right = tone(0.1, 440), tone(0.1, 1000)
    path = write_sound(tmp_path / "stereo.wav", np.stack([left, right]), RATE)
    samples = read_audio(path, RATE)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-4)


def test_resampling_keeps_duration_and_pitch(tmp_path):
    path = write_sound(tmp_path / "tone.wav", tone(1.0, 500, 44100)[None], 44100)
    samples = read_audio(path, 32000)
    assert len(samples) == 32000
    np.testing.assert_allclose(samples[1000:-1000], tone(1.0, 500, 32000)[1000:-1000], atol=2e-3)


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path):
    path = write_video(tmp_path / "late.mkv", np.arange(20) / 10, sound=tone(1.0), sound_start=0.5)
    samples = read_audio(path, RATE)
    assert onset(samples) == pytest.approx(0.5, abs=0.03)
    assert np.abs(samples[: int(0.4 * RATE)]).max() == 0


def test_sound_before_the_first_frame_is_cut_off(tmp_path):
    sound = np.concatenate([np.zeros(RATE), tone(1.0)])
    path = write_video(tmp_path / "early.mkv", np.arange(20) / 10 + 0.75, sound=sound)
    assert onset(read_audio(path, RATE)) == pytest.approx(0.25, abs=0.03)


def test_sound_and_video_that_start_together_are_left_alone(tmp_path):
    sound = np.concatenate([np.zeros(RATE // 2), tone(0.5)])
    path = write_video(tmp_path / "together.mp4", np.arange(10) / 10, sound=sound)
    samples = read_audio(path, RATE)
    assert onset(samples) == pytest.approx(0.5, abs=0.01)
    assert len(samples) == pytest.approx(RATE, abs=2048)


def test_a_silent_film_has_no_audio(tmp_path):
    path = write_video(tmp_path / "silent.mp4", np.arange(3) / 10)
    with pytest.raises(NoAudioError, match=r"silent\.mp4: expected an audio stream, found none"):
        read_audio(path, RATE)


def test_sound_that_ends_before_the_first_frame_is_none(tmp_path):
    path = write_video(
        tmp_path / "early.mkv", 3 + np.arange(20) / 10, sound=np.ones(RATE), sample_rate=RATE, sound_start=0
    )
    with pytest.raises(NoAudioError, match=r"early\.mkv: expected sound, found only some that ends before"):
        read_audio(path, RATE)


def test_an_unreadable_file_is_not_a_silent_one(tmp_path):
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"nothing" * 100)
    with pytest.raises(MediaError, match=r"bad\.mp4") as caught:
        read_audio(path, RATE)
    assert not isinstance(caught.value, NoAudioError)


def cut_plain(samples, window, hop):
    """Windows at 10 samples per second, as (values, start, end)."""
    windows = cut(np.asarray(samples, dtype=np.float32), 10, window, hop)
    return [(w.data.tolist(), w.start, w.end) for w in windows]


def test_full_windows_only():
    assert cut_plain([1, 2, 3, 4, 5, 6, 7, 8], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4), ([5, 6, 7, 8], 0.4, 0.8)]


def test_last_window_is_padded_where_half_of_it_is_sound():
    assert cut_plain([1, 2, 3, 4, 5, 6], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4), ([5, 6, 0, 0], 0.4, 0.6)]


def test_last_window_is_dropped_where_less_than_half_is_sound():
    assert cut_plain([1, 2, 3, 4, 5], 0.4, 0.4) == [([1, 2, 3, 4], 0, 0.4)]


def test_the_only_window_is_kept_however_short():
    assert cut_plain([1], 0.4, 0.4) == [([1, 0, 0, 0], 0, 0.1)]


def test_overlapping_windows_stop_at_the_first_that_reaches_the_end():
    assert cut_plain([1, 2, 3, 4, 5, 6, 7], 0.4, 0.2) == [
        ([1, 2, 3, 4], 0, 0.4),
        ([3, 4, 5, 6], 0.2, 0.6),
        ([5, 6, 7, 0], 0.4, 0.7),
    ]


def test_starts_do_not_drift_where_the_hop_is_no_whole_number_of_samples():
    starts = [round(w.start * 10) for w in cut(np.ones(40, np.float32), 10, 0.25, 0.25)]
    assert starts == [round(k * 2.5) for k in range(len(starts))]


def test_no_sound_no_windows():
    assert cut_plain([], 0.4, 0.4) == []

import wave

import av
import numpy as np
import pytest
import torch
from media import write_sound, write_video
from sound import telling_time, write_chunks
from torchaudio.functional import resample

from extractors.media import audio
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.media.mixing import Mixer

RATE = 16000


def read(path, rate=RATE):
    return np.concatenate(list(audio.read_audio(path, rate)))


def tone(seconds, frequency=440.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def onset(samples, rate=RATE):
    """Seconds at which it begins to be loud."""
    return np.argmax(np.abs(samples) > 0.1) / rate


def test_two_channels_are_averaged_at_full_scale_one(tmp_path):
    left, right = tone(0.1, 440), tone(0.1, 1000)
    path = write_sound(tmp_path / "stereo.wav", np.stack([left, right]), RATE)
    samples = read(path)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-4)


# Resampling.


@pytest.mark.parametrize("source", [8000, 11027, 22050, 44099, 44100, 47999, 48000, 96000, 192000])
@pytest.mark.parametrize("rate", [16000, 32000])
def test_a_click_stays_where_it_is(tmp_path, source, rate):
    samples = np.zeros((1, 3 * source))
    samples[0, 2 * source] = 0.9
    heard = read(write_sound(tmp_path / "click.wav", samples, source), rate)
    assert len(heard) == 3 * rate
    assert np.argmax(np.abs(heard)) == pytest.approx(2 * rate, abs=1)


@pytest.mark.parametrize("source", [11027, 44099, 44100, 48000, 192000])
def test_a_tone_keeps_its_pitch_its_phase_and_its_loudness(tmp_path, source):
    path = write_sound(tmp_path / "tone.wav", tone(1.0, 500, source)[None], source)
    samples = read(path, 32000)
    assert len(samples) == 32000
    np.testing.assert_allclose(samples[1000:-1000], tone(1.0, 500, 32000)[1000:-1000], atol=1e-3)


def test_what_the_new_rate_cannot_hold_is_filtered_out(tmp_path):
    path = write_sound(tmp_path / "high.wav", tone(1.0, 9000, 48000)[None], 48000)
    assert np.abs(read(path, 16000)[1000:-1000]).max() < 1e-4


def test_well_below_the_limit_the_resampler_agrees_with_torchaudios(tmp_path):
    """Of 44.1 kHz noise below 5 kHz, what differs is a thousandth."""
    noise = np.random.default_rng(0).standard_normal(44100 * 2)
    spectrum = np.fft.rfft(noise)
    spectrum[5000 * 2 :] = 0
    noise = np.fft.irfft(spectrum)[None] * 0.2
    samples = read(write_sound(tmp_path / "noise.wav", noise, 44100))
    other = resample(torch.from_numpy(noise[0]).float(), 44100, RATE).numpy()
    difference = (samples - other)[1000:-1000]
    assert len(samples) == len(other)
    assert difference.std() < 3e-3 * samples.std()


def test_samples_are_the_same_however_the_file_is_packed(tmp_path):
    noise = 0.2 * np.random.default_rng(0).standard_normal((44100, 1))
    whole = write_chunks(tmp_path / "whole.mkv", [(0.0, noise)], 44100)
    parts = [(start / 44100, noise[start : start + 441]) for start in range(0, 44100, 441)]
    np.testing.assert_array_equal(read(whole), read(write_chunks(tmp_path / "parts.mkv", parts, 44100)))


# When sound is heard.


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path):
    path = write_video(tmp_path / "late.mkv", np.arange(20) / 10, sound=tone(1.0), sound_start=0.5)
    samples = read(path)
    assert onset(samples) == pytest.approx(0.5, abs=0.03)
    assert np.abs(samples[: int(0.4 * RATE)]).max() == 0


def test_sound_before_the_first_frame_is_cut_off(tmp_path):
    sound = np.concatenate([np.zeros(RATE), tone(1.0)])
    path = write_video(tmp_path / "early.mkv", np.arange(20) / 10 + 0.75, sound=sound)
    assert onset(read(path)) == pytest.approx(0.25, abs=0.03)


def test_sound_and_video_that_start_together_are_left_alone(tmp_path):
    sound = np.concatenate([np.zeros(RATE // 2), tone(0.5)])
    path = write_video(tmp_path / "together.mp4", np.arange(10) / 10, sound=sound)
    samples = read(path)
    assert onset(samples) == pytest.approx(0.5, abs=0.01)
    assert len(samples) == pytest.approx(RATE, abs=2048)


@pytest.mark.parametrize("suffix", ["mkv", "nut"])
@pytest.mark.parametrize(("source", "rate"), [(16000, 16000), (44100, 16000), (48000, 32000)])
def test_after_a_hole_sound_is_heard_at_its_time(tmp_path, suffix, source, rate):
    chunks = [(at, telling_time(at, 0.1, source)) for at in np.arange(120) / 10 if not 4 <= at < 8]
    path = write_chunks(tmp_path / f"hole.{suffix}", chunks, source)
    samples = read(path, rate)
    assert len(samples) / rate == pytest.approx(12.0, abs=0.002)
    for second in (0.5, 2.0, 3.9, 8.1, 9.0, 11.0, 11.9):
        assert samples[round(second * rate)] * 100 == pytest.approx(second, abs=0.02)
    assert np.abs(samples[round(4.05 * rate) : round(7.95 * rate)]).max() < 1e-3


@pytest.mark.parametrize(
    ("codec", "suffix"), [("aac", "mkv"), ("aac", "mp4"), ("ac3", "mkv"), ("flac", "mkv")]
)
def test_a_hole_in_encoded_sound_stays_a_hole(tmp_path, codec, suffix):
    chunks = [(at, tone(0.1, 440, 44100)[:, None]) for at in (0.0, 0.1, 5.0, 5.1)]
    samples = read(write_chunks(tmp_path / f"hole.{suffix}", chunks, 44100, codec=codec))
    loud = np.flatnonzero(np.abs(samples) > 0.2) / RATE
    assert not ((loud > 0.3) & (loud < 4.9)).any()
    assert loud[0] == pytest.approx(0.0, abs=0.1)
    assert loud[loud > 1].min() == pytest.approx(5.0, abs=0.1)


def test_timestamps_that_jitter_by_a_few_milliseconds_make_no_clicks(tmp_path):
    jitter = np.random.default_rng(0).integers(-4, 5, 60) / 1000
    whole = tone(6.0, 440, 48000)
    starts = np.arange(60) / 10 + np.concatenate([[0.0], jitter[1:]])
    chunks = [(start, whole[index * 4800 :][:4800, None]) for index, start in enumerate(starts)]
    samples = read(write_chunks(tmp_path / "jitter.mkv", chunks, 48000), 48000)
    np.testing.assert_allclose(samples, whole, atol=1e-4)


def test_a_jump_of_a_week_is_refused(tmp_path):
    chunks = [(at, telling_time(0, 0.1, RATE)) for at in (0.0, 0.1, 603_980.0)]
    with pytest.raises(MediaError, match=r"week\.mkv: .* found a jump from 0\.200 s to 603980\.000 s"):
        read(write_chunks(tmp_path / "week.mkv", chunks, RATE))


def test_raw_sound_without_a_container_begins_with_its_first_sample(tmp_path):
    sound = np.concatenate([np.zeros(RATE), tone(1.0)])
    path = write_chunks(tmp_path / "raw.aac", [(0.0, sound[:, None])], RATE, codec="aac")
    assert onset(read(path)) == pytest.approx(1.0, abs=0.1)


def test_sound_before_time_zero_is_kept_where_there_is_no_picture_and_cut_where_there_is(tmp_path):
    chunks = [(-0.5 + at, telling_time(at, 0.1, RATE)) for at in np.arange(10) / 10]
    alone = read(write_chunks(tmp_path / "alone.nut", chunks, RATE))
    assert len(alone) == RATE
    assert alone[RATE // 4] * 100 == pytest.approx(0.25, abs=0.01)
    seen = read(write_chunks(tmp_path / "seen.nut", chunks, RATE, frame_times=[0.0, 0.1, 0.2, 0.3, 0.4]))
    assert len(seen) == RATE // 2
    assert seen[RATE // 4] * 100 == pytest.approx(0.75, abs=0.01)


# What is in the file.


@pytest.mark.parametrize(
    ("name", "layout", "codec"),
    [
        ("a.wav", "7.1", "pcm_s16le"),
        ("a.mkv", "7.1", "flac"),
        ("a.mkv", "7.1", "aac"),
        ("a.mkv", "5.1", "ac3"),
        ("a.wav", "5.1", "pcm_f32le"),
    ],
)
def test_the_centre_voice_of_surround_sound_is_heard(tmp_path, name, layout, codec):
    samples = np.zeros((48000 * 2, av.AudioLayout(layout).nb_channels))
    samples[:, 2] = tone(2.0, 440, 48000)
    path = write_chunks(tmp_path / name, [(0.0, samples)], 48000, layout=layout, codec=codec)
    heard = read(path)[RATE // 2 : RATE * 3 // 2]
    share = {"5.1": 0.2929, "7.1": 0.2265}[layout]
    assert np.sqrt(2 * (heard**2).mean()) == pytest.approx(0.5 * share, rel=0.02)


def test_sixteen_channels_are_averaged(tmp_path):
    path = tmp_path / "many.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((16, 2, RATE, 0, "NONE", "none"))
        file.writeframes(np.tile((np.arange(16) * 1000).astype("<i2"), RATE).tobytes())
    np.testing.assert_allclose(read(path), 7500 / 32768, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
def test_values_that_are_no_sound_are_refused_in_words(tmp_path, value, codec):
    samples = np.zeros((RATE, 2))
    samples[9000, 1] = value
    path = write_chunks(tmp_path / "bad.wav", [(0.0, samples)], RATE, layout="stereo", codec=codec)
    with pytest.raises(MediaError, match=r"bad\.wav: expected samples of at most 32 times full scale, found"):
        read(path)


def test_a_silent_film_has_no_audio(tmp_path):
    path = write_video(tmp_path / "silent.mp4", np.arange(3) / 10)
    with pytest.raises(NoAudioError, match=r"silent\.mp4: expected an audio stream, found none"):
        read(path)


def test_sound_that_ends_before_the_first_frame_is_none(tmp_path):
    path = write_video(
        tmp_path / "early.mkv", 3 + np.arange(20) / 10, sound=np.ones(RATE), sample_rate=RATE, sound_start=0
    )
    with pytest.raises(NoAudioError, match=r"early\.mkv: expected sound, found only some that ends before"):
        read(path)


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_a_few_samples_are_sound_or_none_in_words(tmp_path, samples):
    path = write_sound(tmp_path / "few.wav", np.full((1, samples), 0.5), RATE)
    np.testing.assert_allclose(read(path), 0.5, atol=1e-4)
    path = write_sound(tmp_path / "one.wav", np.full((1, 1), 0.5), 44100)
    with pytest.raises(NoAudioError, match=r"one\.wav: expected sound, found .*less than one sample"):
        read(path)


def test_an_unreadable_file_is_not_a_silent_one(tmp_path):
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"nothing" * 100)
    with pytest.raises(MediaError, match=r"bad\.mp4") as caught:
        read(path)
    assert not isinstance(caught.value, NoAudioError)


@pytest.mark.parametrize("rate", [1, 4_000_000_000])
def test_an_absurd_sample_rate_is_refused(tmp_path, rate):
    path = write_sound(tmp_path / "odd.wav", np.zeros((1, 100)), RATE)
    content = bytearray(path.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"odd\.wav"):
        read(path)


# Streaming.


def cut_off(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def test_sound_that_is_cut_short_is_given_as_far_as_it_goes_and_refused(tmp_path):
    chunks = [(at, telling_time(at, 0.1, RATE)) for at in np.arange(100) / 10]
    path = cut_off(write_chunks(tmp_path / "short.mkv", chunks, RATE), 0.6)
    blocks = []
    with pytest.raises(ShortMediaError, match=r"short\.mkv: cut short, [56]\.\d of 10\.0 s"):
        blocks.extend(audio.read_audio(path, RATE))
    samples = np.concatenate(blocks)
    assert 5 < len(samples) / RATE < 7
    assert samples[5 * RATE] * 100 == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_film_with_its_index_in_front_that_is_cut_short_is_named(tmp_path, share):
    chunks = [(at, tone(0.1, 440, 44100)[:, None]) for at in np.arange(100) / 10]
    path = write_chunks(tmp_path / "cut.mp4", chunks, 44100, codec="aac", options={"movflags": "faststart"})
    with pytest.raises(ShortMediaError, match=r"cut\.mp4: cut short, \d\.\d of 10\.0 s"):
        read(cut_off(path, share))


def test_a_damaged_packet_amid_the_sound_is_refused(tmp_path):
    chunks = [(at, tone(0.1, 440, 44100)[:, None]) for at in np.arange(100) / 10]
    path = write_chunks(tmp_path / "bad.mp4", chunks, 44100, codec="aac", options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"bad\.mp4: damaged") as caught:
        read(path)
    assert not isinstance(caught.value, ShortMediaError)


def test_a_stream_that_begins_midway_is_named_as_damage(tmp_path):
    chunks = [(at, tone(0.1, 440, 44100)[:, None]) for at in np.arange(100) / 10]
    path = write_chunks(tmp_path / "new.flv", chunks, 44100, codec="aac")
    content = bytearray(path.read_bytes())
    at = 13
    while at < len(content) * 2 // 3:
        at += 15 + int.from_bytes(content[at + 1 : at + 4])
    content[at] = 9
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"new\.flv: damaged, another stream begins midway"):
        read(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_wav_file_cut_short_is_refused(tmp_path, share):
    path = cut_off(write_sound(tmp_path / "short.wav", tone(10.0)[None], RATE), share)
    with pytest.raises(ShortMediaError, match=r"short\.wav: cut short"):
        read(path)


def test_sound_shorter_or_longer_than_its_video_is_whole(tmp_path):
    chunks = [(at, telling_time(at, 0.1, RATE)) for at in np.arange(50) / 10]
    for name, frames in (("short.mkv", 12), ("long.mkv", 2)):
        path = write_chunks(tmp_path / name, chunks, RATE, frame_times=list(np.arange(frames * 10) / 10))
        assert len(read(path)) / RATE == pytest.approx(5.0, abs=0.01)


def test_sound_is_given_before_the_rest_is_decoded(tmp_path, monkeypatch):
    chunks = [(at, telling_time(at, 0.1, 44100)) for at in np.arange(600) / 10]
    path = write_chunks(tmp_path / "long.mkv", chunks, 44100)
    decoded = given = 0
    mix = Mixer.mix

    def counting(self, frame):
        nonlocal decoded
        samples = mix(self, frame)
        decoded += len(samples)
        return samples

    monkeypatch.setattr(Mixer, "mix", counting)
    for block in audio.read_audio(path, RATE):
        given += len(block)
        assert decoded / 44100 - given / RATE < 0.5
    assert given == 60 * RATE

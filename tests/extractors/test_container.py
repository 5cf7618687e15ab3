import os
import socket
from pathlib import Path

import av
import numpy as np
import pytest
from media import write_sound, write_video

from extractors.media.container import (
    audio_stream,
    check_complete,
    open_media,
    promised_seconds,
    video_stream,
)
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError


def chosen(path):
    with open_media(path) as container:
        return video_stream(path, container).index


def two_videos(path: Path, default: int | None) -> Path:
    """Writes one frame in each of two streams, of which one may be marked as default."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            stream.disposition = av.stream.Disposition.default if number == default else 0
        for stream in streams:
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64), np.uint8), format="gray")
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("default", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_the_stream_marked_as_default_is_read_else_the_first(tmp_path, default, expected):
    assert chosen(two_videos(tmp_path / "two.mkv", default)) == expected


def test_a_video_without_sound_is_named(tmp_path):
    path = write_video(tmp_path / "mute.mp4", [0, 0.1])
    with open_media(path) as container, pytest.raises(NoAudioError, match=r"mute\.mp4"):
        audio_stream(path, container)


@pytest.mark.parametrize(
    "name", ["12:30 clip.mp4", "http:clip.mp4", "concat:a|b.mp4", "%03d.mp4", "a\nb.mp4"]
)
def test_a_name_is_a_path_and_nothing_else(tmp_path, name, monkeypatch):
    write_video(tmp_path / name, [0, 0.1])
    monkeypatch.chdir(tmp_path)
    assert chosen(Path(name)) == 0


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile 'real.mp4'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.mp4\n#EXT-X-ENDLIST\n",
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>\n',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    ],
)
def test_a_file_that_names_other_files_is_refused(tmp_path, content):
    write_video(tmp_path / "real.mp4", [0, 0.1])
    path = tmp_path / "list.mp4"
    path.write_text(content)
    with pytest.raises(MediaError, match=r"list\.mp4: expected media in one file|list\.mp4: damaged"):
        chosen(path)


def test_what_is_no_regular_file_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        for path in (tmp_path / "pipe.mp4", tmp_path / "s.mp4", Path("/dev/zero"), tmp_path):
            with pytest.raises(MediaError, match="expected a regular file"):
                chosen(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mov"])
def test_containers_promise_seconds(tmp_path, suffix):
    times = np.arange(100) / 25
    path = write_video(tmp_path / f"a.{suffix}", times, codec="mpeg4")
    with open_media(path) as container:
        assert promised_seconds(container, video_stream(path, container)) == pytest.approx(4, abs=0.05)
    check_complete(path, "video", 3.8)
    with pytest.raises(ShortMediaError, match=r"cut short, 3\.0 of 4\.0 s") as caught:
        check_complete(path, "video", 3.0)
    assert (caught.value.reached, caught.value.promised) == (3.0, pytest.approx(4, abs=0.05))


def test_a_wave_file_without_its_last_bytes_is_short(tmp_path):
    path = write_sound(tmp_path / "a.wav", np.zeros((1, 8000)), 8000)
    check_complete(path, "audio", 1.0)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ShortMediaError, match="of an unknown length"):
        check_complete(path, "audio", 0.9)

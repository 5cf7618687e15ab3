import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import demo_media
import numpy as np
import pytest
import synthesise_demo

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


ANNOTATIONS = {
    "train.txt",
    "test.txt",
    "test_seen.txt",
    "test_heard.txt",
    "test_both.txt",
    "test_audible.txt",
    "durations.json",
}
BY_NAME = {event.name: event for event in demo_media.EVENTS}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "demo"
    synthesise_demo.synthesise(out, train_videos=3, test_videos=2, seed=0)
    return out


@pytest.fixture
def without_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesise_demo, "write_video", lambda path, *_: path.touch())


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "annotations").iterdir()}


def queries(folder: Path, name: str) -> list[tuple[str, float, float, str]]:
    lines = (folder / "annotations" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    heads = [(line.split("##")[0].split(), line.split("##")[1]) for line in lines]
    return [(video, float(start), float(end), sentence) for (video, start, end), sentence in heads]


def band_rms(samples: np.ndarray, lowest: float, highest: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    pitches = np.fft.rfftfreq(len(samples), 1 / demo_media.SAMPLE_RATE)
    within = power[(pitches >= lowest) & (pitches < highest)].sum()
    return float(np.sqrt(2 * within) / len(samples))


def test_the_folder_holds_a_video_for_every_name_and_the_annotation_files(demo: Path) -> None:
    assert {path.name for path in (demo / "videos").iterdir()} == {f"demo_{i:04d}.mp4" for i in range(5)}
    assert set(texts(demo)) == ANNOTATIONS
    assert {video for video, *_ in queries(demo, "train")} == {"demo_0000", "demo_0001", "demo_0002"}
    assert {video for video, *_ in queries(demo, "test")} == {"demo_0003", "demo_0004"}


@pytest.mark.usefixtures("without_encoding")
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        synthesise_demo.synthesise(tmp_path / name, train_videos=4, test_videos=3, seed=seed)
    assert texts(tmp_path / "one") == texts(tmp_path / "two")
    assert texts(tmp_path / "one")["test.txt"] != texts(tmp_path / "three")["test.txt"]


def test_pictures_and_sound_follow_from_the_seed() -> None:
    moments = [demo_media.Moment(BY_NAME["ball"], 0.25, 0.75)]

    def render() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(5)
        return np.stack(list(demo_media.frames(moments, 1.0, rng))), demo_media.soundtrack(moments, 1.0, rng)

    for first, second in zip(render(), render(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("without_encoding")
def test_every_span_lies_inside_its_video_and_lasts_three_to_six_seconds(tmp_path: Path) -> None:
    synthesise_demo.synthesise(tmp_path / "demo", train_videos=40, test_videos=20, seed=3)
    durations = json.loads((tmp_path / "demo" / "annotations" / "durations.json").read_text(encoding="utf-8"))
    assert len(durations) == 60
    assert all(12 <= entry["duration"] <= 20 for entry in durations.values())
    for video, start, end, _ in queries(tmp_path / "demo", "train") + queries(tmp_path / "demo", "test"):
        assert 0.5 <= start < end <= durations[video]["duration"] - 0.5
        assert 2.99 <= end - start <= 6.01


@pytest.mark.usefixtures("without_encoding")
def test_the_subsets_partition_the_test_queries(tmp_path: Path) -> None:
    synthesise_demo.synthesise(tmp_path / "demo", train_videos=1, test_videos=20, seed=0)
    test, seen, heard, both, audible = (
        queries(tmp_path / "demo", name)
        for name in ("test", "test_seen", "test_heard", "test_both", "test_audible")
    )
    assert seen
    assert heard
    assert both
    assert sorted(seen + heard + both) == sorted(test)
    assert sorted(heard + both) == sorted(audible)
    sentences = {name: {f"{text}." for text in event.sentences} for name, event in BY_NAME.items()}
    assert {text for *_, text in both} <= sentences["ball"] | sentences["bell"]
    assert {text for *_, text in seen} <= set.union(
        *(sentences[name] for name in ("circle", "square", "triangle", "bar"))
    )


def test_a_sentence_means_one_event_only() -> None:
    sentences = [sentence for event in demo_media.EVENTS for sentence in event.sentences]
    assert len(sentences) == len(set(sentences))
    assert all(len(event.sentences) >= 2 for event in demo_media.EVENTS)


def test_moments_of_one_sense_keep_apart_and_no_event_comes_twice() -> None:
    overlaps_across_senses = 0
    for index in range(60):
        plan = synthesise_demo.plan_video("demo", np.random.default_rng(index))
        assert len({moment.event.name for moment in plan.moments}) == len(plan.moments) in (3, 4)
        for perceived in (lambda event: event.seen, lambda event: event.heard):
            track = [moment for moment in plan.moments if perceived(moment.event)]
            gaps = [after.start - before.end for before, after in itertools.pairwise(track)]
            assert all(gap > 0.4999 for gap in gaps)
        ends = np.array([moment.end for moment in plan.moments])
        starts = np.array([moment.start for moment in plan.moments])
        overlaps_across_senses += int((starts[1:] < ends[:-1]).any())
    assert overlaps_across_senses > 0


def test_a_video_holds_both_streams_for_its_whole_duration(demo: Path) -> None:
    durations = json.loads((demo / "annotations" / "durations.json").read_text(encoding="utf-8"))
    for name, entry in durations.items():
        with av.open(str(demo / "videos" / f"{name}.mp4")) as container:
            frames = [frame.time for frame in container.decode(video=0)]
        with av.open(str(demo / "videos" / f"{name}.mp4")) as container:
            samples = sum(frame.samples for frame in container.decode(audio=0))
            assert container.duration / av.time_base == pytest.approx(entry["duration"], abs=0.1)
        assert frames[0] == 0
        assert frames[-1] + 1 / demo_media.FRAME_RATE == pytest.approx(entry["duration"], abs=0.001)
        assert samples / demo_media.SAMPLE_RATE == pytest.approx(entry["duration"], abs=0.1)


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("beeps", 2_400, 2_600),
        ("hum", 130, 430),
        ("siren", 500, 1_300),
        ("hiss", 4_000, 12_000),
        ("clicks", 4_000, 12_000),
        ("ball", 50, 90),
        ("bell", 3_800, 7_200),
    ],
)
def test_an_event_is_heard_in_the_encoded_video_within_its_span_and_not_outside(
    name: str, lowest: float, highest: float, tmp_path: Path
) -> None:
    moments = [demo_media.Moment(BY_NAME[name], 1.0, 3.0)]
    demo_media.write_video(tmp_path / "a.mp4", moments, 4.0, np.random.default_rng(0))
    with av.open(str(tmp_path / "a.mp4")) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    rate = demo_media.SAMPLE_RATE
    before, within, after = (
        band_rms(samples[round(a * rate) : round(b * rate)], lowest, highest)
        for a, b in ((0.0, 0.95), (1.0, 3.0), (3.05, 4.0))
    )
    assert within > 4 * max(before, after)


@pytest.mark.parametrize("name", [event.name for event in demo_media.EVENTS])
def test_an_event_colours_the_frames_of_its_span_if_it_can_be_seen_and_only_then(name: str) -> None:
    event = BY_NAME[name]
    moments = [demo_media.Moment(event, 1.0, 2.0)]
    frames = np.stack(list(demo_media.frames(moments, 3.0, np.random.default_rng(0)))).astype(float)
    strays_from_grey = np.abs(frames - 100).max(axis=3) > 50
    shown = strays_from_grey.mean(axis=(1, 2)) > 0.02
    expected = np.zeros(36, dtype=bool)
    expected[12:24] = event.shape is not None
    np.testing.assert_array_equal(shown, expected)


def test_an_interrupted_run_leaves_nothing_and_spares_the_older_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_the_second(path: Path, *_: object) -> None:
        path.touch()
        if path.name == "demo_0001.mp4":
            raise KeyboardInterrupt

    older = tmp_path / "older"
    (older / "videos").mkdir(parents=True)
    (older / "videos" / "demo_0000.mp4").write_bytes(b"older")
    monkeypatch.setattr(synthesise_demo, "write_video", stop_at_the_second)
    for out in (tmp_path / "new", older):
        with pytest.raises(KeyboardInterrupt):
            synthesise_demo.synthesise(out, train_videos=2, test_videos=1, seed=0)
    assert list(tmp_path.iterdir()) == [older]
    assert (older / "videos" / "demo_0000.mp4").read_bytes() == b"older"


@pytest.mark.usefixtures("without_encoding")
def test_an_older_dataset_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    synthesise_demo.synthesise(out, train_videos=3, test_videos=2, seed=0)
    synthesise_demo.synthesise(out, train_videos=1, test_videos=1, seed=0)
    assert {path.name for path in (out / "videos").iterdir()} == {"demo_0000.mp4", "demo_0001.mp4"}
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    "name", ["out", "out/thesis.txt", "out/videos/holiday.mp4", "out/a/videos/demo_0.mp4"]
)
def test_what_is_no_demo_dataset_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    foreign = tmp_path / name
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=f"found .*{foreign.name}"):
        synthesise_demo.synthesise(tmp_path / "out", train_videos=1, test_videos=1, seed=0)
    assert foreign.read_bytes() == b"mine"


def test_the_command_line_makes_the_dataset_and_shows_its_progress_on_stderr(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "synthesise_demo.py"), "--out", str(tmp_path / "demo")]
    result = subprocess.run(
        [*command, "--train-videos", "1", "--test-videos", "1", "--seed", "7"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(texts(tmp_path / "demo")) == ANNOTATIONS
    assert result.stdout == ""
    assert "2/2" in result.stderr

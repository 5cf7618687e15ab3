"""Videos made of captioned pictures: what is shown when, and that test things are new."""

import itertools
import json
import wave
from pathlib import Path

import av
import captioned_media
import compose_pictures
import numpy as np
import pytest
from captioned_media import Thing, read_things, split_things
from encoding import SAMPLE_RATE
from PIL import Image

STAMPS = Path("/usr/share/tuxpaint/stamps")
NAMES = ("an owl", "a red car", "a tree", "a blue boat", "two owls", "a cup", "a lamp", "a shoe")


def write_sound(path: Path, pitch: float) -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(time), "NONE", ""))
        file.writeframes((20_000 * np.sin(2 * np.pi * pitch * time)).astype("<i2").tobytes())


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Tux Paint's: squares of one colour, one of which makes a sound."""
    root = tmp_path_factory.mktemp("stamps")
    for number, name in enumerate(NAMES):
        folder = root / ("animals" if "owl" in name else "things")
        folder.mkdir(exist_ok=True)
        stem = folder / f"stamp{number}"
        Image.new("RGBA", (30, 20), (20 * number, 255 - 20 * number, 128, 255)).save(stem.with_suffix(".png"))
        stem.with_suffix(".txt").write_text(f"{name.capitalize()}. It is nice.\nde.utf8=Etwas.\n")
    write_sound(root / "animals" / "stamp0.wav", 440)
    (root / "symbols").mkdir()
    Image.new("RGBA", (9, 9)).save(root / "symbols" / "letter.png")
    (root / "symbols" / "letter.txt").write_text("A letter.\n")
    return root


def test_stamps_are_read_with_their_first_sentence_and_their_sound(stamps: Path) -> None:
    things = read_things(stamps)
    assert [thing.caption for thing in things] == sorted(NAMES)
    heard = [thing.caption for thing in things if thing.sound]
    assert heard == ["an owl"]


def test_a_table_of_captions_is_read_and_its_faults_are_told(tmp_path: Path, stamps: Path) -> None:
    picture = next(stamps.rglob("*.png"))
    (tmp_path / "a.png").write_bytes(picture.read_bytes())
    (tmp_path / "captions.csv").write_text("picture,caption,sound\na.png,An Owl.,\n")
    assert read_things(tmp_path) == [Thing("an owl", tmp_path / "a.png")]
    (tmp_path / "captions.csv").write_text("picture,caption,sound\na.png,An Owl.,b.ogg\n")
    with pytest.raises(
        ValueError, match=r"captions\.csv, line 2: expected a file, found nothing at .*b\.ogg"
    ):
        read_things(tmp_path)
    (tmp_path / "captions.csv").write_text("file,text\n")
    with pytest.raises(ValueError, match="expected the columns picture, caption and sound"):
        read_things(tmp_path)


def test_a_folder_without_captions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected captions\.csv, or NAME\.png beside NAME\.txt"):
        read_things(tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_tested_is_never_named_in_training(stamps: Path, seed: int) -> None:
    train, test = split_things(read_things(stamps), 0.4, seed)
    assert len(test) == 3
    named = {word for thing in train for word in thing.words}
    assert named.isdisjoint(word for thing in test for word in thing.words)
    # `two owls` are owls; colours name nothing.
    owls = {thing.caption in {"an owl", "two owls"} for thing in (*train, *test) if "owl" in thing.words}
    assert owls == {True}


def test_a_plan_shows_one_thing_at_a_time_and_hides_a_sound_in_silence(stamps: Path) -> None:
    things = read_things(stamps)
    hidden = 0
    for index in range(30):
        plan = compose_pictures.plan_video("pictures", things, np.random.default_rng(index))
        seen = [event for event in plan.events if event.seen]
        assert len({event.thing for event in seen}) == 3
        assert all(first.end < second.start for first, second in itertools.pairwise(seen))
        assert plan.events[0].start >= 0
        assert max(event.end for event in plan.events) <= plan.seconds
        assert plan.seconds % 0.5 == 0
        for event in plan.events:
            assert event.thing.caption in event.sentence
            if not event.seen:
                hidden += 1
                assert event.heard
                assert all(
                    other.end < event.start or event.end < other.start for other in seen if other.heard
                )
    assert hidden > 5


def test_frames_show_each_thing_from_its_start_to_its_end(stamps: Path) -> None:
    things = [Thing("a square", next(stamps.rglob("stamp7.png")))] * 3
    plan = compose_pictures.plan_video("pictures", things, np.random.default_rng(0))
    frames = np.stack(list(compose_pictures.draw_frames(plan, np.random.default_rng(1))))
    assert frames.shape == (plan.seconds * compose_pictures.FRAME_RATE, 160, 160, 3)
    shown = (frames == [140, 115, 128]).all(-1).any((1, 2))
    times = np.arange(len(frames)) / compose_pictures.FRAME_RATE
    expected = np.any([(event.start <= times) & (times < event.end) for event in plan.events], axis=0)
    assert (shown == expected).all()


def test_the_same_seed_gives_the_same_annotations_and_videos_that_can_be_read(
    stamps: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        compose_pictures.compose(stamps, tmp_path / name, 2, 1, 0.4, 3)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "annotations").iterdir()}
        for name in ("one", "two")
    )
    assert one == two
    durations = json.loads(one["durations.json"])
    assert sorted(durations) == ["pictures_0000", "pictures_0001", "pictures_0002"]
    for video, entry in durations.items():
        with av.open(str(tmp_path / "one" / "videos" / f"{video}.mp4")) as container:
            assert container.duration / 1e6 == pytest.approx(entry["duration"], abs=0.05)
            assert (container.streams.video[0].width, container.streams.audio[0].rate) == (160, SAMPLE_RATE)
    assert len(one["train.txt"].splitlines()) == 6
    assert len(one["test.txt"].splitlines()) == 3


def test_another_folder_is_not_replaced(stamps: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match=r"mine\.txt"):
        compose_pictures.compose(stamps, tmp_path, 1, 1, 0.4, 0)


def test_tux_paints_stamps_are_enough_for_both_sides() -> None:
    if not STAMPS.is_dir():
        pytest.skip("Debian's tuxpaint-stamps-default is not installed")
    train, test = split_things(read_things(STAMPS), 0.25, 0)
    assert len(train) > 150
    assert len(test) > 60
    assert captioned_media.CAPTIONS not in {path.name for path in STAMPS.iterdir()}

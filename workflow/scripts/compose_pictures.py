"""Makes a dataset of short videos from captioned pictures and sounds, split by what they show.

In every video a few things appear one after the other, each drifting over a background of soft colours; those
that make a sound are heard while they are seen, and one thing is heard and not seen. What the queries of the
test videos name, no training query names: a model answers them only if its features and word vectors tell it
what things are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import av
import numpy as np
from captioned_media import Thing, read_things, split_things
from dataset_folder import replacing_dataset, write_annotations, write_line
from demo_media import murmur
from encoding import SAMPLE_RATE, encode_video
from PIL import Image
from tqdm import tqdm

SIDE = 160
FRAME_RATE = 6

_SHOWN = 3
_EVENT_SECONDS = (2.5, 5.0)
_GAP_SECONDS = (0.5, 2.0)
_LONGEST_SIDE = (0.5, 0.8)
_DRIFT = 0.12
_LOUDNESS = 0.4
_FADE_SECONDS = 0.05
_SEEN = ("{} appears", "{} is in the picture", "we see {}", "{} is shown")
_HEARD = ("the sound of {}", "we hear {}", "{} is heard")


@dataclass(frozen=True)
class Event:
    """A thing of one video, from `start` to `end` seconds."""

    thing: Thing
    start: float
    end: float
    seen: bool
    sentence: str

    @property
    def heard(self) -> bool:
        """Whether the sound track holds it."""
        return self.thing.sound is not None


@dataclass(frozen=True)
class Plan:
    """A video before it is drawn: its name, its duration in seconds, its events."""

    name: str
    seconds: float
    events: tuple[Event, ...]


def plan_video(name: str, things: Sequence[Thing], rng: np.random.Generator) -> Plan:
    """Draws what happens in a video.

    Args:
        name: the video's name, without suffix.
        things: what may happen.
        rng: source of everything random.

    Returns:
        A plan with events in order of time; times are whole hundredths of a second.
    """
    shown = [things[index] for index in rng.choice(len(things), _SHOWN, replace=False)]
    time, events = 0.0, []
    for thing in shown:
        time += rng.uniform(*_GAP_SECONDS)
        start, time = time, time + rng.uniform(*_EVENT_SECONDS)
        sentence = str(rng.choice(_SEEN)).format(thing.caption)
        events.append(Event(thing, round(start, 2), round(time, 2), True, sentence))
    # Both tracks end together where the duration is a multiple of a quarter of a second and of a frame.
    seconds = float(np.ceil(2 * (time + rng.uniform(*_GAP_SECONDS))) / 2)
    events += _hide(things, events, seconds, rng)
    return Plan(name, seconds, tuple(sorted(events, key=lambda event: event.start)))


def _hide(
    things: Sequence[Thing], events: Sequence[Event], seconds: float, rng: np.random.Generator
) -> Iterator[Event]:
    """Yields a thing that is heard and not seen, where the video is silent for long enough."""
    audible = [thing for thing in things if thing.sound and thing not in {event.thing for event in events}]
    if not audible:
        return
    thing = audible[rng.integers(len(audible))]
    for _ in range(20):
        length = rng.uniform(*_EVENT_SECONDS)
        start = rng.uniform(0, seconds - length)
        end = start + length
        if all(end < event.start or event.end < start for event in events if event.heard):
            sentence = str(rng.choice(_HEARD)).format(thing.caption)
            yield Event(thing, round(start, 2), round(end, 2), False, sentence)
            return


def draw_frames(plan: Plan, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields a video's frames, uint8 [SIDE, SIDE, 3] (RGB)."""
    background = _draw_background(rng)
    paths = {
        event: (rng.uniform(*_LONGEST_SIDE), rng.uniform(-_DRIFT, _DRIFT, (2, 2))) for event in plan.events
    }
    for index in range(round(plan.seconds * FRAME_RATE)):
        time = index / FRAME_RATE
        frame = background.copy()
        for event, (share, (first, last)) in paths.items():
            if event.seen and event.start <= time < event.end:
                picture = _read_picture(event.thing.picture, round(share * SIDE))
                way = (time - event.start) / (event.end - event.start)
                middle = SIDE * (0.5 + first + way * (last - first))
                place = round(middle[0] - picture.width / 2), round(middle[1] - picture.height / 2)
                frame.paste(picture, place, picture)
        yield np.asarray(frame)


def _draw_background(rng: np.random.Generator) -> Image.Image:
    corners = Image.fromarray(rng.integers(40, 216, (3, 3, 3), dtype=np.uint8))
    return corners.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


@lru_cache(maxsize=64)
def _read_picture(path: Path, longest: int) -> Image.Image:
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    scale = longest / max(picture.size)
    return picture.resize([max(1, round(scale * side)) for side in picture.size], Image.Resampling.LANCZOS)


def play(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Gives a video's samples, float32 [S] within -1 to 1: its sounds over a quiet murmur."""
    samples = murmur(round(plan.seconds * SAMPLE_RATE), rng)
    for event in plan.events:
        if event.thing.sound is not None:
            first, last = round(event.start * SAMPLE_RATE), round(event.end * SAMPLE_RATE)
            time = np.arange(last - first) / SAMPLE_RATE
            fade = (np.minimum(time, time[::-1]) / _FADE_SECONDS).clip(0, 1)
            samples[first:last] += _LOUDNESS * fade * np.resize(_read_sound(event.thing.sound), last - first)
    return samples.clip(-1, 1).astype(np.float32)


@lru_cache(maxsize=64)
def _read_sound(path: Path) -> np.ndarray:
    """Reads a sound's samples at `SAMPLE_RATE`, the loudest of them 1."""
    resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])
    return samples / max(float(np.abs(samples).max()), 1e-6)


def annotation(plans: Sequence[Plan], seen: bool) -> str:
    """Writes the queries about what is seen, or about what is only heard."""
    return "".join(
        write_line(plan.name, event.start, event.end, event.sentence)
        for plan in plans
        for event in plan.events
        if event.seen == seen
    )


def compose(
    folder: Path, out: Path, train_videos: int, test_videos: int, test_share: float, seed: int
) -> None:
    """Makes the dataset, all of it or nothing.

    Args:
        folder: captioned pictures, see `captioned_media.read_things`.
        out: the folder to write, `videos/` and `annotations/` in it; an older dataset there is replaced.
        train_videos: number of videos to train on.
        test_videos: number of videos to test on.
        test_share: share of the things that only test videos show.
        seed: of everything random.

    Raises:
        ValueError: there are no captioned pictures.
        FileExistsError: `out` holds a file that is not such a dataset's.
    """
    train_things, test_things = split_things(read_things(folder), test_share, seed)
    with replacing_dataset(out, "pictures") as made:
        plans = []
        for index in tqdm(range(train_videos + test_videos), desc="videos of pictures", unit="video"):
            rng = np.random.default_rng((seed, index))
            things = train_things if index < train_videos else test_things
            name = f"pictures_{index:04d}"
            plan = plan_video(name, things, rng)
            path = made / "videos" / f"{name}.mp4"
            encode_video(path, draw_frames(plan, rng), FRAME_RATE, partial(play, plan, rng))
            plans.append(plan)
        train, test = plans[:train_videos], plans[train_videos:]
        texts = {
            "train.txt": annotation(train, seen=True),
            "train_heard.txt": annotation(train, seen=False),
            "test.txt": annotation(test, seen=True),
            "test_heard.txt": annotation(test, seen=False),
        }
        write_annotations(made, texts, {plan.name: plan.seconds for plan in plans})


def main() -> None:
    """Reads the command line and makes the dataset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pictures", type=Path, required=True, help="folder of captioned pictures and sounds"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make, or to replace whole")
    parser.add_argument("--train-videos", type=int, default=150, help="default: %(default)s")
    parser.add_argument("--test-videos", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--test-share", type=float, default=0.25, help="of the things; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default: %(default)s")
    given = parser.parse_args()
    try:
        compose(
            given.pictures, given.out, given.train_videos, given.test_videos, given.test_share, given.seed
        )
    except (FileExistsError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

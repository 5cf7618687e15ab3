"""Makes the demo dataset: short videos with sound, and queries about what is seen or heard in them.

What is only seen and what is only heard are placed independently and may overlap, so the frames do not tell
when a sound is heard, nor the sound when a shape is seen: without the other sense a model can only guess.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dataset_folder import replacing_dataset, write_annotations, write_line
from demo_media import EVENTS, Event, Moment, write_video
from tqdm import tqdm

_VIDEO_SECONDS = np.arange(12, 20.25, 0.25)
_EVENT_SECONDS = (3.0, 6.0)
_GAP_SECONDS = 0.5
_OFF_MIDDLE = 0.2

TEST_SUBSETS: dict[str, Callable[[Moment], bool]] = {
    "test": lambda moment: True,
    "test_seen": lambda moment: not moment.event.heard,
    "test_heard": lambda moment: not moment.event.seen,
    "test_both": lambda moment: moment.event.seen and moment.event.heard,
    "test_audible": lambda moment: moment.event.heard,
}


@dataclass(frozen=True)
class Plan:
    """A video before it is drawn: its name, its duration in seconds, its moments and a sentence for each."""

    name: str
    seconds: float
    moments: tuple[Moment, ...]
    sentences: tuple[str, ...]


def plan_video(name: str, rng: np.random.Generator) -> Plan:
    """Draws what happens in a video.

    Args:
        name: the video's name, without suffix.
        rng: source of everything random.

    Returns:
        A plan with distinct events in order of time; times are whole hundredths of a second.
    """
    events = _draw_events(rng)
    while True:
        seconds = float(rng.choice(_VIDEO_SECONDS))
        moments = [_draw_moment(event, seconds, rng) for event in events]
        if not any(_clash(a, b) for a, b in itertools.combinations(moments, 2)):
            break
    moments.sort(key=lambda moment: moment.start)
    sentences = tuple(str(rng.choice(moment.event.sentences)) for moment in moments)
    return Plan(name, seconds, tuple(moments), sentences)


def _draw_events(rng: np.random.Generator) -> list[Event]:
    """Two events only seen and two only heard, or one of each and one both seen and heard."""
    seen = [event for event in EVENTS if not event.heard]
    heard = [event for event in EVENTS if not event.seen]
    both = [event for event in EVENTS if event.seen and event.heard]
    for group in (seen, heard, both):
        rng.shuffle(group)
    # An event for both senses tells either sense where the other's events are not; hence not in every video.
    return seen[:2] + heard[:2] if rng.random() < 0.5 else seen[:1] + heard[:1] + both[:1]


def _draw_moment(event: Event, seconds: float, rng: np.random.Generator) -> Moment:
    length = rng.uniform(*_EVENT_SECONDS)
    start = rng.uniform(_GAP_SECONDS, seconds - _GAP_SECONDS - length)
    dx, dy = rng.uniform(-_OFF_MIDDLE, _OFF_MIDDLE, 2)
    return Moment(event, round(start, 2), round(start + length, 2), (dx, dy))


def _clash(a: Moment, b: Moment) -> bool:
    """Whether two moments that appeal to the same sense come closer than the gap."""
    same_sense = (a.event.seen and b.event.seen) or (a.event.heard and b.event.heard)
    return same_sense and max(a.start, b.start) - min(a.end, b.end) < _GAP_SECONDS


def annotation(plans: Sequence[Plan], wanted: Callable[[Moment], bool]) -> str:
    """Writes queries in the format of Charades-STA.

    Args:
        plans: the videos.
        wanted: says which moments to write.

    Returns:
        One line `video start end##sentence.` for each wanted moment, times in seconds.
    """
    return "".join(
        write_line(plan.name, moment.start, moment.end, sentence)
        for plan in plans
        for moment, sentence in zip(plan.moments, plan.sentences, strict=True)
        if wanted(moment)
    )


def synthesise(out: Path, train_videos: int, test_videos: int, seed: int) -> None:
    """Makes the dataset, all of it or nothing.

    Args:
        out: the folder to write, `videos/` and `annotations/` in it; an older demo there is replaced.
        train_videos: number of videos to train on.
        test_videos: number of videos to test on.
        seed: with the same seed and numbers the annotations are the same bytes.

    Raises:
        FileExistsError: if `out` holds a file that is not a demo dataset's.
    """
    with replacing_dataset(out, "demo") as made:
        _write_dataset(made, train_videos, test_videos, seed)


def _write_dataset(folder: Path, train_videos: int, test_videos: int, seed: int) -> None:
    plans = []
    for index in tqdm(range(train_videos + test_videos), desc="demo videos", unit="video"):
        rng = np.random.default_rng((seed, index))
        plan = plan_video(f"demo_{index:04d}", rng)
        write_video(folder / "videos" / f"{plan.name}.mp4", plan.moments, plan.seconds, rng)
        plans.append(plan)
    train, test = plans[:train_videos], plans[train_videos:]
    texts = {f"{name}.txt": annotation(test, wanted) for name, wanted in TEST_SUBSETS.items()}
    texts["train.txt"] = annotation(train, lambda moment: True)
    write_annotations(folder, texts, {plan.name: plan.seconds for plan in plans})


def main() -> None:
    """Reads the command line and makes the dataset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make, or to replace whole")
    parser.add_argument("--train-videos", type=int, default=72, help="default: %(default)s")
    parser.add_argument("--test-videos", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default: %(default)s")
    arguments = parser.parse_args()
    try:
        synthesise(arguments.out, arguments.train_videos, arguments.test_videos, arguments.seed)
    except FileExistsError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

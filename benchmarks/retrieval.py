"""Time of an answer about a video that is encoded already, on a CPU; see `--help`.

A model of the paper's size with random weights answers about random features: neither changes how long it
takes. An answer is everything from the sentence to a list of answers: words, batch, model, spans.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import print_report
from extractors.storage.files import write_json
from img.config.protocols import LAST, checkpoint_of
from img.config.runs import RunOptions
from img.data.text.vocabulary import VOCABULARY, Vocabulary
from img.models.checkpoint import build_system, save_checkpoint
from img.models.sizes import Sizes
from img.retrieval import EncodedVideo, Retriever
from img.runs.folder import OPTIONS, READS

SENTENCE = "a man opens the fridge and takes a bottle of water out of it"
WIDTHS = {"visual": 1024, "audio": 2048}
SECONDS = {"half a minute": 30, "two minutes": 128, "an hour": 3600}
WINDOW = 60.0
MADE = {"kind": "imported", "code_version": 1, "parameters": {}}


def make_run(folder: Path) -> None:
    """Writes a run with random weights that reads rows of one second."""
    words = tuple(dict.fromkeys(SENTENCE.split()))
    vocabulary = Vocabulary(words, tuple(sorted(set("".join(words)))))
    sizes = Sizes(WIDTHS, len(words), 300, vocabulary.character_count)
    options = RunOptions.model_validate({"model": {}, "training": {}, "selection_split": "test"})
    system = build_system(options.model, sizes, torch.randn(len(words), 300))
    save_checkpoint(checkpoint_of(folder, LAST), system.state_dict(), options.model, sizes)
    write_json(folder / OPTIONS, {**options.model_dump(mode="json"), "seed": 0})
    vocabulary.save(folder / VOCABULARY)
    reads = {
        "streams": {
            name: [{"name": name, "extractor": MADE, "width": width, "scale": 1.0}]
            for name, width in WIDTHS.items()
        },
        "merges": {},
        "align": {"audio": "seconds"},
        "options": {"max_clips": 128, "standardise": False},
        "standardisation": {},
    }
    write_json(folder / READS, reads)


def random_video(retriever: Retriever, name: str, seconds: int) -> EncodedVideo:
    """Makes up a video of one row a second in each stream."""
    rng = np.random.default_rng(0)
    times = np.stack([np.arange(seconds), np.arange(seconds) + 1.0], axis=1)
    rows = {
        stream: rng.standard_normal((seconds, width)).astype(np.float32) for stream, width in WIDTHS.items()
    }
    return retriever.take(rows, float(seconds), name, dict.fromkeys(WIDTHS, times))


def measure(ask: Callable[[], object], repeats: int) -> list[str]:
    """Times a question again and again, after one that warms up.

    Returns:
        The median of wall time and of processor time, in seconds.
    """
    ask()
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        ask()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return [f"{statistics.median(took):.3f}" for took in (walls, processors)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="questions to each video (default: 20)")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make_run(Path(folder))
        retriever = Retriever.open(folder, Path(folder) / "store")
        for name, seconds in SECONDS.items():
            video = random_video(retriever, name, seconds)
            for window in (None, WINDOW) if seconds == SECONDS["an hour"] else (None,):
                ask = partial(retriever.answer, video, SENTENCE, window=window)
                asked = f"windows of {window:.0f} s" if window else f"{video.clips} clips"
                # An answer in windows takes as long as one for each batch of them.
                rows.append([name, asked, *measure(ask, 1 if window else options.repeats)])
    title = f"An answer about an encoded video, on {torch.get_num_threads()} threads"
    note = f"IMG, random weights and features {WIDTHS}; medians of {options.repeats} (windows: one)."
    print_report(title, ["video", "asked as", "wall time, s", "processor time, s"], rows, note)


if __name__ == "__main__":
    main()

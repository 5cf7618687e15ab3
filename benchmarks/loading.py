"""Assembling, opening and reading inputs of Charades' size. `python -m benchmarks.loading --help`.

Needs about 0.75 MB of disk for each video, 5 GB at Charades' size, in a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.report import print_report
from extractors.storage.files import sha256_of, write_json
from extractors.storage.manifest import Row
from extractors.storage.store import Store
from img.config.dataset import InputOptions
from img.config.runs import TrainingOptions
from img.data.clips.assembly import assemble
from img.data.clips.feature_folder import FeatureFolder
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.vocabulary import build_vocabulary

VIDEOS = 6_672
WIDTHS = {"visual": 1024, "audio": 2048}
CLIPS = range(40, 81)
CLIP_SECONDS = 0.5
QUERIES_OF_A_VIDEO = 2
BATCH = TrainingOptions().batch_size
WORDS = ["a", "person", "opens", "the", "door", "and", "walks", "into", "the", "room", "."]


def names_of(videos: int) -> list[str]:
    return [f"V{number:05d}" for number in range(videos)]


def clips_of(number: int) -> int:
    return CLIPS[number % len(CLIPS)]


def queries_of(videos: int) -> pd.DataFrame:
    """Returns a queries table of one split, with the columns that samples are made of."""
    durations = [CLIP_SECONDS * clips_of(number) for number in range(videos)]
    once = pd.DataFrame({"video": names_of(videos), "duration": durations})
    table = pd.concat([once] * QUERIES_OF_A_VIDEO, ignore_index=True)
    table["query"] = [f"train_{number}" for number in range(len(table))]
    table["split"], table["fault"] = "train", ""
    table["start"], table["end"] = 0.2 * table["duration"], 0.6 * table["duration"]
    table["words"] = [WORDS for _ in range(len(table))]
    return table


def write_features(folder: Path, videos: int, width: int) -> FeatureFolder:
    """Writes an array of each length, which the videos of that length share as hard links."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    arrays = {clips: folder / f"{clips}_clips.npy" for clips in CLIPS}
    for clips, path in arrays.items():
        np.save(path, rng.standard_normal((clips, width)).astype(np.float32))
    write_json(folder / f"{names_of(videos)[0]}.json", {"kind": "drawn", "code_version": 1, "parameters": {}})
    hashes = {clips: sha256_of(path) for clips, path in arrays.items()}
    rows = {}
    for number, video in enumerate(names_of(videos)):
        clips = clips_of(number)
        (folder / f"{video}.npy").hardlink_to(arrays[clips])
        seconds = CLIP_SECONDS * clips
        rows[video] = Row(video, "ok", clips, width, seconds, feature_sha256=hashes[clips])
    return FeatureFolder(folder, rows, scale=1.0)


def time_assembly(folder: Path, videos: int) -> dict[str, float]:
    """Assembles all videos' inputs; returns seconds and peak memory."""
    features = {name: write_features(folder / name, videos, width) for name, width in WIDTHS.items()}
    queries, store = queries_of(videos), Store(folder / "store")
    started = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        assemble(queries, features, InputOptions(), store, folder / "inputs")
    return {"assemble": time.perf_counter() - started, **memory()}


def time_reading(folder: Path, videos: int, threads: int) -> dict[str, float]:
    """Opens the inputs, joins them with queries, reads an epoch of batches; returns seconds and memory."""
    torch.set_num_threads(threads)
    queries = queries_of(videos)
    vocabulary = build_vocabulary(queries["words"], frozenset(WORDS), min_character_count=1)
    started = time.perf_counter()
    inputs = Inputs.load(folder / "inputs")
    opened = time.perf_counter()
    moments = Moments(queries, "train", inputs, vocabulary)
    joined = time.perf_counter()
    batches = sum(1 for _ in moments.batches(BATCH, np.random.default_rng(0), shuffle=True))
    read = time.perf_counter()
    return {
        "open": opened - started,
        "join": joined - opened,
        "epoch": read - joined,
        "batches": batches,
        **memory(),
    }


def memory() -> dict[str, float]:
    """Returns this process's own megabytes, and the most it held with the file's cached pages."""
    own = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"own_mb": int(own.split()[1]) / 1024, "peak_mb": peak / 1024}


def forget_cache(path: Path) -> None:
    """Asks the system to drop a file's pages from memory, so that they are read from disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def in_new_process(function: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """Runs a measurement in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=VIDEOS, help=f"videos (default: {VIDEOS})")
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of torch (default: 2, as in training)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        size = sum(map(clips_of, range(options.videos))) * sum(WIDTHS.values()) * 4
        free = shutil.disk_usage(folder).free
        if size > 0.9 * free:
            parser.error(
                f"--folder: expected {size / 1e9:.1f} GB of free disk at {folder}, "
                f"found {free / 1e9:.1f} GB; give another folder or fewer --videos"
            )
        assembled = in_new_process(time_assembly, folder, options.videos)
        forget_cache(folder / "inputs" / "features.safetensors")
        cold = in_new_process(time_reading, folder, options.videos, options.threads)
        warm = in_new_process(time_reading, folder, options.videos, options.threads)
    rows = [["assemble", f"{assembled['assemble']:.1f}", "", f"{assembled['own_mb']:.0f}"]]
    for state, found in (("from disk", cold), ("from cache", warm)):
        rate = f"{found['batches'] / found['epoch']:.0f}"
        rows.append([f"open, {state}", f"{found['open']:.2f}", "", ""])
        rows.append([f"join with the queries, {state}", f"{found['join']:.2f}", "", ""])
        rows.append([f"read an epoch, {state}", f"{found['epoch']:.1f}", rate, f"{found['own_mb']:.0f}"])
    print_report(
        f"Inputs of {options.videos:,} videos: {size / 1e9:.1f} GB, "
        f"{QUERIES_OF_A_VIDEO * options.videos:,} queries, batches of {BATCH}, {options.threads} threads",
        ["stage", "seconds", "batches/s", "own MB"],
        rows,
        f"Own MB leaves out the file's pages, which the system keeps while memory is free (peak with them: "
        f"{warm['peak_mb']:.0f} MB).",
    )


if __name__ == "__main__":
    main()

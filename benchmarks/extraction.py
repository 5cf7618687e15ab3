"""Extraction against the bare model, and how to use two cores. `python -m benchmarks.extraction --help`.

The bare model runs on ready tensors in batches of the same size. The extractor is what users call,
`python -m extractors extract`: it decodes, resizes, fills batches, runs the same network, hashes and stores.
It is run once on a short video and once on all; the difference of the two is the work, what is left of the
short run is the start-up, which a shard pays once however many videos it has. Beside both stands the loop of
many published scripts, lighthouse's among them: one process decodes a whole video, then encodes it, and goes
on to the next; it reads frames as the extractor does. Weights are random. On a GPU, threads stand for
processes that decode for it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.media import write_video
from benchmarks.report import describe_device, print_report
from extractors.frame_plan import FramePlan
from extractors.kind import Kind
from extractors.parameters import VideoParameters
from extractors.registry import parse
from extractors.storage.manifest import read_manifest

# A kind's preset; each gives one row for a window.
PRESETS = {
    "i3d": "activitynet",
    "clip": "moment_detr",
    "eva_clip": "hirest",
    "slowfast": "moment_detr",
}
SIZE, FRAME_RATE = (480, 640), 25
# Shards side by side, and the threads of each one's network.
LAYOUTS = ((1, 1), (1, 2), (2, 1))


@dataclass(frozen=True)
class Setting:
    """How the network is run.

    Attributes:
        kind: of extractor.
        precision: number format.
        shards: processes side by side.
        threads: of the network in each process; on a GPU, processes that decode for it.
        batch_size: windows in a batch.
        device: where the network runs.
    """

    kind: str
    precision: str
    shards: int
    threads: int
    batch_size: int
    device: str

    @property
    def parameters(self) -> dict[str, str]:
        """The extractor's parameters."""
        return {"preset": PRESETS[self.kind], "weights": "random", "precision": self.precision}

    def parse(self) -> tuple[Kind, VideoParameters]:
        """The extractor's kind, and its parameters in full."""
        kind, parameters = parse({"kind": self.kind, **self.parameters})
        if not isinstance(parameters, VideoParameters):
            raise TypeError(f"expected parameters of frames, found {type(parameters).__name__}")
        return kind, parameters


def time_bare_model(setting: Setting, seconds: float) -> float:
    """Returns the rows a second of the network, all shards together, measured for some seconds."""
    with ProcessPoolExecutor(setting.shards, mp_context=multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(_embed_ready_windows, [setting] * setting.shards, [seconds] * setting.shards))


def _embed_ready_windows(setting: Setting, seconds: float) -> float:
    import torch

    torch.set_num_threads(setting.threads)
    kind, parameters = setting.parse()
    extractor = kind.load_extractor(parameters, setting.device)
    windows = torch.from_numpy(
        np.stack([_noise(parameters.plan(), seed) for seed in range(setting.batch_size)])
    )
    extractor.embed(windows).cpu()
    batches = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        # Fetched, as the extractor does: a GPU is not done when the call returns.
        extractor.embed(windows).cpu()
        batches += 1
    return batches * setting.batch_size / passed


def _noise(plan: FramePlan, seed: int) -> np.ndarray:
    shape = (plan.taken or plan.window, plan.crop, plan.crop, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def time_loop(setting: Setting, videos: Sequence[Path]) -> float:
    """Returns the rows a second of decoding each video whole and encoding it then, in one process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_decode_all_then_encode, setting, videos).result()


def _decode_all_then_encode(setting: Setting, videos: Sequence[Path]) -> float:
    import torch

    torch.set_num_threads(setting.threads)
    kind, parameters = setting.parse()
    extractor = kind.load_extractor(parameters, setting.device)
    read = kind.load_reader()
    rows = 0
    started = time.perf_counter()
    for video in videos:
        windows = [window.data for window in read(video, parameters, "pyav")]
        for first in range(0, len(windows), setting.batch_size):
            batch = np.stack(windows[first : first + setting.batch_size])
            rows += len(extractor.embed(torch.from_numpy(batch)).cpu())
    return rows / (time.perf_counter() - started)


def time_extractor(setting: Setting, videos: Sequence[Path], folder: Path) -> tuple[float, int]:
    """Runs the command, the videos dealt out to the shards; returns seconds until all ended, and rows."""
    outs = [folder / f"shard{number}" for number in range(setting.shards)]
    command = [sys.executable, "-m", "extractors", "extract", setting.kind]
    command += [f"--set={key}={value}" for key, value in setting.parameters.items()]
    command += ["--device", setting.device, "--batch-size", str(setting.batch_size)]
    command += ["--threads" if setting.device == "cpu" else "--workers", str(setting.threads)]
    started = time.perf_counter()
    processes = [
        subprocess.Popen(
            [*command, "--out", str(out), "--", *map(str, videos[number :: setting.shards])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, out in enumerate(outs)
    ]
    errors = [process.communicate()[1] for process in processes]
    seconds = time.perf_counter() - started
    for process, error in zip(processes, errors, strict=True):
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{error}")
    rows = [row for out in outs for row in read_manifest(out / "manifest.tsv")]
    failed = [f"{row.video}: {row.status}" for row in rows if not row.is_ok]
    if failed:
        raise RuntimeError("\n".join(failed))
    return seconds, sum(row.rows for row in rows)


def measure(setting: Setting, short: Sequence[Path], videos: Sequence[Path], seconds: float) -> list[str]:
    """Returns a row of the table."""
    with tempfile.TemporaryDirectory() as name:
        bare = time_bare_model(setting, seconds)
        first, few = time_extractor(setting, short[: setting.shards], Path(name, "short"))
        whole, many = time_extractor(setting, videos, Path(name, "all"))
        loop = time_loop(setting, videos)
    rate = (many - few) / (whole - first)
    figures = f"{bare:.3g}", f"{rate:.3g}", f"{rate / bare:.0%}", f"{loop:.3g}", f"{first - few / rate:.1f}"
    return [setting.kind, setting.precision, f"{setting.shards} x {setting.threads}", str(many), *figures]


def write_short(folder: Path, setting: Setting) -> list[Path]:
    """Writes two videos of one batch."""
    plan = setting.parse()[1].plan()
    length = setting.batch_size * plan.stride / (plan.frame_rate or FRAME_RATE)
    return [
        write_video(folder / f"{setting.kind}{number}.mp4", length, SIZE, FRAME_RATE, number)
        for number in range(2)
    ]


def parse_layout(text: str) -> tuple[int, int]:
    """Reads how many shards run side by side, and the threads of each: `2x1`."""
    shards, _, threads = text.partition("x")
    return int(shards), int(threads)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="VIDEO", help="videos (default: some that are written)"
    )
    parser.add_argument("--kinds", nargs="+", choices=tuple(PRESETS), default=["i3d"], help="(default: i3d)")
    parser.add_argument("--videos", type=int, default=4, help="videos to write (default: 4)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each (default: 20)")
    parser.add_argument("--batch-size", type=int, default=4, help="windows in a batch (default: 4)")
    parser.add_argument(
        "--precision", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"]
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--layouts",
        nargs="+",
        type=parse_layout,
        default=LAYOUTS,
        metavar="SHARDSxTHREADS",
        help="shards side by side, and the threads of each (default: 1x1 1x2 2x1)",
    )
    parser.add_argument(
        "--bare-seconds", type=float, default=20.0, help="how long the bare model is timed (default: 20)"
    )
    options = parser.parse_args()
    if len(options.files or range(options.videos)) < 2:
        parser.error("expected at least two videos, one for each of two shards")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        videos = options.files or [
            write_video(folder / f"video{n}.mp4", options.seconds, SIZE, FRAME_RATE, n)
            for n in range(options.videos)
        ]
        rows = []
        for kind in options.kinds:
            settings = [
                Setting(kind, precision, shards, threads, options.batch_size, options.device)
                for precision in options.precision
                for shards, threads in options.layouts
            ]
            short = write_short(folder, settings[0])
            rows += [measure(setting, short, videos, options.bare_seconds) for setting in settings]
    print_report(
        f"Extraction: frames of 224 pixels, batches of {options.batch_size}, "
        f"on {describe_device(options.device)}",
        [
            "kind",
            "precision",
            "shards x threads",
            "rows",
            "bare model, rows/s",
            "extractor, rows/s",
            "extractor / bare",
            "decode all, then encode, rows/s",
            "start-up, s",
        ],
        rows,
        "Rows a second are those of all shards together; the last loop is one process, whatever the shards.",
    )


if __name__ == "__main__":
    main()

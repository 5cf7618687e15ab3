"""Extraction against the bare model, and how to use two cores. `python -m benchmarks.extraction --help`.

The bare model runs on ready tensors in batches of the same size. The extractor is what users call,
`python -m extractors extract`: it decodes, resizes, fills batches, runs the same network, hashes and stores.
It is run once on a short video and once on all; the difference of the two is the work, what is left of the
short run is the start-up, which a shard pays once however many videos it has. Beside both stands the loop of
many published scripts, lighthouse's among them: one process decodes a whole video, then encodes it, and goes
on to the next; it reads frames as the extractor does. Weights are random (MiniLM's are real). On a GPU,
threads stand for processes that decode for it. `speech` is counted in seconds of sound, others in rows; the
files of `sentence` hold a text of twelve words for each second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import cast

import numpy as np
import yaml

from benchmarks.media import write_video
from benchmarks.models import KINDS, write_settings
from benchmarks.report import describe_device, print_report
from extractors.kind import Extractor, Kind, Writer
from extractors.media.sampling import Window
from extractors.parameters import Parameters, VideoParameters
from extractors.registry import parse
from extractors.storage.manifest import read_manifest
from extractors.storage.texts import Text, write_texts

SIZE, FRAME_RATE = (480, 640), 25
# Shards side by side, and the threads of each one's network.
LAYOUTS = ((1, 1), (1, 2), (2, 1))
WORDS = ("a", "man", "opens", "the", "door", "of", "red", "car", "and", "walks", "away", "slowly")
WORDS_OF_A_TEXT = 12
# What Whisper reads at a time.
PART_SECONDS = 30.0
SMALLEST_DIFFERENCE = 1.0


@dataclass(frozen=True)
class Setting:
    """How the network is run.

    Attributes:
        kind: of extractor.
        settings: its parameters beside the precision, as text.
        precision: number format.
        shards: processes side by side.
        threads: of the network in each process; on a GPU, processes that decode for it.
        batch_size: windows in a batch.
        device: where the network runs.
    """

    kind: str
    settings: Mapping[str, str]
    precision: str
    shards: int
    threads: int
    batch_size: int
    device: str

    @property
    def parameters(self) -> dict[str, str]:
        """The extractor's parameters, as text."""
        return {**self.settings, "precision": self.precision}

    def parse(self) -> tuple[Kind, Parameters]:
        """The extractor's kind, and its parameters in full."""
        values = {key: yaml.safe_load(value) for key, value in self.parameters.items()}
        kind, parameters = parse({"kind": self.kind, **values})
        if not isinstance(parameters, Parameters):
            raise TypeError(f"expected parameters of a network, found {type(parameters).__name__}")
        return kind, parameters

    def load(self) -> Callable[[Sequence[Window]], float]:
        """Loads the network; gives what runs it on windows and says how much that was (see `unit`)."""
        import torch

        kind, parameters = self.parse()
        network = kind.load_network(parameters, self.device)

        def write(windows: Sequence[Window]) -> float:
            cast(Writer, network).write(windows)
            return windows[-1].end - windows[0].start

        def embed(windows: Sequence[Window]) -> float:
            data = torch.from_numpy(np.stack([window.data for window in windows]))
            # Fetched, as the extractor does: a GPU is not done when the call returns.
            rows = cast(Extractor, network).embed(data).cpu()
            return float(rows.shape[0] * rows.shape[1])

        return write if kind.gives == "texts" else embed

    @property
    def unit(self) -> str:
        """What is counted: rows, or seconds of sound of what gives texts."""
        return "seconds of sound" if self.parse()[0].gives == "texts" else "rows"


def time_bare_model(setting: Setting, media: Path, seconds: float) -> float:
    """Returns what the network makes a second of one video's windows, all shards together."""
    shards = setting.shards
    with ProcessPoolExecutor(shards, mp_context=multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(_run_ready_windows, [setting] * shards, [media] * shards, [seconds] * shards))


def _run_ready_windows(setting: Setting, media: Path, seconds: float) -> float:
    import torch

    torch.set_num_threads(setting.threads)
    kind, parameters = setting.parse()
    run = setting.load()
    windows = list(kind.load_reader()(media, parameters, kind.decoders[0]))
    if kind.gives == "rows":
        windows = list(islice(cycle(windows), setting.batch_size))
    run(windows)
    amount = 0.0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        amount += run(windows)
    return amount / passed


def time_loop(setting: Setting, videos: Sequence[Path]) -> float:
    """Returns the rows a second of decoding each video whole and encoding it then, in one process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_decode_all_then_encode, setting, videos).result()


def _decode_all_then_encode(setting: Setting, videos: Sequence[Path]) -> float:
    import torch

    torch.set_num_threads(setting.threads)
    kind, parameters = setting.parse()
    run = setting.load()
    read = kind.load_reader()
    decoder = "pyav" if "pyav" in kind.decoders else kind.decoders[0]
    size = setting.batch_size if kind.gives == "rows" else None
    amount = 0.0
    started = time.perf_counter()
    for video in videos:
        windows = list(read(video, parameters, decoder))
        for first in range(0, len(windows), size or len(windows)):
            amount += run(windows[first : first + size] if size else windows)
    return amount / (time.perf_counter() - started)


def time_extractor(setting: Setting, videos: Sequence[Path], folder: Path) -> tuple[float, float]:
    """Runs the command, the videos dealt out to the shards; returns seconds until all ended, and how much."""
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
    if setting.unit == "rows":
        return seconds, sum(row.rows for row in rows)
    return seconds, sum(row.seconds or 0.0 for row in rows)


def measure(setting: Setting, short: Sequence[Path], videos: Sequence[Path], seconds: float) -> list[str]:
    """Returns a row of the table."""
    with tempfile.TemporaryDirectory() as name:
        bare = time_bare_model(setting, short[0], seconds)
        first, few = time_extractor(setting, short[: setting.shards], Path(name, "short"))
        whole, many = time_extractor(setting, videos, Path(name, "all"))
        loop = time_loop(setting, videos)
    figures = [f"{bare:.3g}", "", "", f"{loop:.3g}", ""]
    # Of runs that hardly differ the difference is noise.
    if many > few and whole > first + SMALLEST_DIFFERENCE:
        rate = (many - few) / (whole - first)
        figures[1:3] = f"{rate:.3g}", f"{rate / bare:.0%}"
        figures[4] = f"{first - few / rate:.1f}"
    layout = f"{setting.shards} x {setting.threads}"
    return [setting.kind, setting.precision, layout, f"{many:.0f} {setting.unit}", *figures]


def write_short(folder: Path, setting: Setting) -> list[Path]:
    """Writes two files of one batch."""
    return [
        write_media(folder / f"{setting.kind}{number}", setting, _seconds_of_batch(setting), number)
        for number in range(2)
    ]


def write_media(path: Path, setting: Setting, seconds: float, seed: int) -> Path:
    """Writes a video of some seconds; of a kind that reads texts, a text for each of them."""
    if setting.parse()[0].reads != "texts":
        return write_video(path.with_suffix(".mp4"), seconds, SIZE, FRAME_RATE, seed)
    words = np.random.default_rng(seed).choice(WORDS, (round(seconds), WORDS_OF_A_TEXT))
    write_texts(path.with_suffix(".jsonl"), [Text(t, t + 1, " ".join(text)) for t, text in enumerate(words)])
    return path.with_suffix(".jsonl")


def _seconds_of_batch(setting: Setting) -> float:
    kind, parameters = setting.parse()
    if isinstance(parameters, VideoParameters):
        plan = parameters.plan()
        return setting.batch_size * plan.stride / (plan.frame_rate or FRAME_RATE)
    if kind.gives == "texts":
        return PART_SECONDS
    return setting.batch_size * float(getattr(parameters, "hop_seconds", 1.0))


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
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["i3d"], help="(default: i3d)")
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
        rows = []
        for kind in options.kinds:
            files = write_settings(kind, folder)
            settings = [
                Setting(kind, files, precision, shards, threads, options.batch_size, options.device)
                for precision in options.precision
                for shards, threads in options.layouts
            ]
            short = write_short(folder, settings[0])
            videos = options.files or [
                write_media(folder / f"{kind}_video{n}", settings[0], options.seconds, n)
                for n in range(options.videos)
            ]
            rows += [measure(setting, short, videos, options.bare_seconds) for setting in settings]
    print_report(
        f"Extraction: batches of {options.batch_size}, on {describe_device(options.device)}",
        [
            "kind",
            "precision",
            "shards x threads",
            "extracted",
            "bare model, 1/s",
            "extractor, 1/s",
            "extractor / bare",
            "decode all, then encode, 1/s",
            "start-up, s",
        ],
        rows,
        "What is extracted in a second, all shards together; the last loop is always one process. "
        "No figure: the extractor took hardly longer for all than for one batch; take longer videos. "
        "Weights are random, MiniLM's apart; a random Whisper writes 32 tokens of each part.",
    )


if __name__ == "__main__":
    main()

"""Time and memory of reading long sound. `python -m benchmarks.sound --help`.

The sound is AAC noise, repeated in Matroska: 0.3 GB of disk for 10 hours, in a temporary folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.report import print_report
from extractors.registry import parse

_REPEATED_SECONDS = 10
_PCA = np.eye(128, dtype=np.float32)


def write_long_sound(path: Path, seconds: float, rate: int) -> Path:
    """Writes mono noise; AAC where that has the rate, else 16-bit PCM."""
    codec = "aac" if rate in (8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000) else "pcm_s16le"
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, _REPEATED_SECONDS * rate))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        packets: list[bytes] = []
        for start in range(0, noise.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(noise[:, start : start + 1024], format="dbl", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
            packets += [bytes(packet) for packet in stream.encode(frame)]
        for number in range(round(seconds * rate / 1024)):
            packet = av.Packet(packets[number % len(packets)])
            packet.stream, packet.time_base = stream, Fraction(1, rate)
            packet.pts = packet.dts = number * 1024
            packet.duration = 1024
            container.mux(packet)
    return path


def measure(path: Path, kind_name: str, pca: Path) -> tuple[int, float, float, float, float]:
    """Reads a file's windows in a process of its own.

    Returns:
        Windows, processor seconds to the first and to the last, and MB resident before and at the peak.
    """
    settings: dict[str, Any] = {"kind": kind_name, "weights": "random"}
    if kind_name == "vggish":
        settings["pca"] = pca
    kind, parameters = parse(settings)
    reader = kind.load_reader()
    # The first file brings in what is imported late.
    short = write_long_sound(path.with_name("short.mka"), 3, 44_100)
    list(reader(short, parameters, "pyav"))
    before = _peak_mb()
    begin, windows, first = time.process_time(), 0, 0.0
    for _ in reader(path, parameters, "pyav"):
        windows += 1
        first = first or time.process_time() - begin
    return windows, first, time.process_time() - begin, before, _peak_mb()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints a table, a row for each length and kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sounds",
        nargs="+",
        default=["12@44099", "7200@48000", "36000@48000"],
        metavar="SECONDS@RATE",
        help="what to read",
    )
    parser.add_argument("--kinds", nargs="+", default=["pann", "vggish"], help="whose windows to read")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder, "pca.npz"), pca_eigen_vectors=_PCA, pca_means=np.zeros(128, np.float32))
        for sound in arguments.sounds:
            seconds, rate = map(int, sound.split("@"))
            path = write_long_sound(Path(folder, "long.mka"), seconds, rate)
            for kind in arguments.kinds:
                context = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    windows, first, last, before, peak = pool.submit(
                        measure, path, kind, Path(folder, "pca.npz")
                    ).result()
                figures = (f"{windows}", f"{first:.2f}", f"{last:.1f}", f"{before:.0f}", f"{peak:.0f}")
                rows.append([f"{seconds} s at {rate} Hz", kind, *figures])
    columns = ["sound", "kind", "windows", "CPU s to the first", "to the last", "MB before", "MB at peak"]
    print_report("Reading long sound", columns, rows)


if __name__ == "__main__":
    main()

"""Picking a dataset's word vectors out of a GloVe zip of full size. `python -m benchmarks.glove --help`.

The zip is made up, as long as glove.840B.300d and about as hard to decompress: 5.6 GB of text, 2.5 GB of disk
in a temporary folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.report import print_report
from extractors.models.glove_files import read_glove

LINES, WIDTH = 2_196_017, 300
# Words of ActivityNet Captions, about.
WANTED = 12_500
# So many different vectors that none comes again within what a zip remembers.
VECTORS = 2_000
BYTES_OF_LINE = 1_130


def lines_of(count: int) -> Iterator[bytes]:
    """Yields a word, `word0`, `word1`, …, and a vector a line."""
    rng = np.random.default_rng(0)
    vectors = [
        b" " + b" ".join(b"%.5g" % value for value in 0.4 * rng.standard_normal(WIDTH)) + b"\n"
        for _ in range(VECTORS)
    ]
    for number in range(count):
        yield b"word%d" % number + vectors[number % VECTORS]


def write_zip(path: Path, count: int) -> int:
    """Streams lines into a zip's only member; returns the bytes of text."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("glove.txt", "w", force_zip64=True) as file,
    ):
        return sum(file.write(line) for line in lines_of(count))


def time_reading(path: Path, count: int) -> dict[str, float]:
    """Reads the wanted words, spread over the file; returns seconds and peak memory."""
    words = frozenset(f"word{number}" for number in np.linspace(0, count - 1, WANTED, dtype=int))
    started, processor = time.perf_counter(), time.process_time()
    vectors = read_glove(path, words, WIDTH)
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "found": len(vectors),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=LINES, help=f"lines of the file (default: {LINES})")
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        free = shutil.disk_usage(folder).free
        if options.lines * BYTES_OF_LINE > 0.9 * free:
            parser.error(
                f"--folder: expected {options.lines * BYTES_OF_LINE / 1e9:.1f} GB of free disk at {folder}, "
                f"found {free / 1e9:.1f} GB; give another folder or fewer --lines"
            )
        path = Path(folder) / "glove.zip"
        size = write_zip(path, options.lines)
        zipped = path.stat().st_size
        # A process of its own, so that its memory is its own.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(time_reading, path, options.lines).result()
    cells = [f"{found['seconds']:.0f}", f"{found['processor']:.0f}", f"{found['megabytes']:.0f}"]
    print_report(
        f"GloVe: {options.lines:,} lines, {size / 1e9:.1f} GB of text in a zip of {zipped / 1e9:.1f} GB",
        ["words found", "seconds", "CPU seconds", "peak MB"],
        [[f"{found['found']:,.0f} of {WANTED:,}", *cells]],
    )


if __name__ == "__main__":
    main()

"""A kind whose media are text files and whose features can be computed in the head."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from extractors.kind import Kind
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.media.sampling import Window
from extractors.parameters import Parameters


def windows(path: Path, parameters: Parameters, decoder: str) -> Iterator[Window]:
    """A file holds numbers: each is a window of one second. Words are misfortunes."""
    for second, word in enumerate(path.read_text().split()):
        if word == "mute":
            raise NoAudioError(f"{path}: no sound")
        if word == "broken":
            raise MediaError(f"{path}: broken")
        if word == "short":
            raise ShortMediaError(path, float(second), 18.0)
        if word == "half" and decoder == "first":
            raise MediaError(f"{path}: the first decoder gave up")
        value = 0.0 if word == "half" else float(word)
        yield Window(np.array([value], np.float32), float(second), second + 1.0)


class Doubler:
    """Two rows a window: the number, and the number doubled."""

    width = 1
    rows_per_window = 2
    facts: dict[str, object] = {}  # noqa: RUF012
    batches: list[int]

    def __init__(self) -> None:
        self.batches = []

    def embed(self, batch):
        # Not at the top: decoding processes import this module and need no torch.
        import torch

        self.batches.append(len(batch))
        return torch.stack([batch, 2 * batch], dim=1)


def build(parameters: Parameters, device: str) -> Doubler:
    return Doubler()


KIND = Kind("doubler", "visual", Parameters, "fake_kind:build", "fake_kind:windows", ("first", "second"), 1)
PARAMETERS = Parameters(weights="random")

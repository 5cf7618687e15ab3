"""What a system answers to the samples of a split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from img.config.runs import InferenceOptions
from img.data.collation import Samples
from img.models.protocol import System
from img.runs.device import computing_on


@torch.inference_mode()
def predict(
    system: System, samples: Samples, batch_size: int, device: str, options: InferenceOptions
) -> pd.DataFrame:
    """Answers every sample of a split.

    Args:
        system: the system; it is put into evaluation mode.
        samples: the split's samples.
        batch_size: samples in a batch.
        device: where the system is.
        options: how many answers and which.

    Returns:
        The rows that the task makes of the answers; see `img.data.collation.Samples.tabulate`.
    """
    system.eval()
    # What targets draw is not looked at here: any generator will do.
    generator = np.random.default_rng(0)
    with torch.random.fork_rng(), computing_on(device, batch_size):
        # A system that draws noise at every call (preset `reference`) still answers equal calls equally.
        torch.manual_seed(0)
        batches = samples.batches(batch_size, generator, shuffle=False)
        # Fetched from the device at the end, which need not wait for each batch; curves are not kept.
        answers = [replace(system.answer(batch.to(device), options), traces={}) for batch in batches]
        return samples.tabulate(system, answers)

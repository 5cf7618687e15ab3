"""What a system costs: its trainable parameters and the floating point operations of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from img.config.runs import InferenceOptions
from img.models.checkpoint import build_system
from img.models.options import SystemOptions
from img.models.protocol import Batch, Stream, Targets
from img.models.registry import find_system
from img.models.sizes import Sizes
from img.tasks.registry import find_task

WHOLE = "whole"
"""The system itself among its parts."""

COUNTED = """\
Parameters are the trainable ones; word vectors are frozen and left out. FLOPs are those of matrix products
and convolutions, for one query on one video at inference, a multiply-add as 2; MACs count it as 1.
Activations, sums, softmax and normalisation are left out."""


@dataclass(frozen=True)
class Question:
    """What a system is asked while its operations are counted.

    Attributes:
        clips: T of the video.
        words: N of the query.
        letters: C of its longest word.
    """

    clips: int = 128
    words: int = 10
    letters: int = 10


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and floating point operations with a multiply-add as 2."""

    parameters: int
    flops: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.flops + other.flops)


def count_cost(options: SystemOptions, sizes: Sizes, question: Question) -> dict[str, Cost]:
    """Counts each part of a system and the whole.

    On the CPU, where GRUs are matrix products that can be counted; on a GPU they are one operation that
    cannot. LSTMs are one operation there too, whose products are counted from its shapes.
    """
    system = build_system(options, sizes).eval()
    task = find_task(find_system(options.kind).tasks[0])
    counted = {torch.ops.aten.mkldnn_rnn_layer: _count_lstm}
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=counted) as counter:
        system.answer(_ask(question, sizes, task.no_targets()), InferenceOptions(answers=1))
    flops = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    parts = {
        name: Cost(_count_parameters(part), flops.get(f"{type(system).__name__}.{name}", 0))
        for name, part in system.parts()
    }
    return {**parts, WHOLE: Cost(_count_parameters(system), flops["Global"])}


def _count_lstm(x: torch.Size, from_input: torch.Size, from_state: torch.Size, *_: Any, **__: Any) -> int:
    """Counts one direction of an LSTM from the shapes of its input, [B, T, D], and its two matrices."""
    return 2 * x[0] * x[1] * (from_input.numel() + from_state.numel())


def _count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _ask(question: Question, sizes: Sizes, targets: Targets) -> Batch:
    everyone = torch.ones(1, dtype=torch.bool)
    words = characters = features = None
    if sizes.query_width is None:
        words = torch.full((1, question.words), 2)
        characters = torch.full((1, question.words, question.letters), 2)
    else:
        features = torch.zeros(1, question.words, sizes.query_width)
    return Batch(
        streams={
            name: Stream(torch.zeros(1, question.clips, width), everyone)
            for name, width in sizes.streams.items()
        },
        clip_mask=torch.ones(1, question.clips, dtype=torch.bool),
        word_mask=torch.ones(1, question.words, dtype=torch.bool),
        targets=targets,
        words=words,
        characters=characters,
        query_features=features,
    )

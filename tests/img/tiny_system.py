"""A system of thirty lines: the mean of the streams, one Linear, one span in continuous time."""

from typing import Literal

import torch
from torch import Tensor, nn

from img.config.runs import InferenceOptions
from img.models.options import Needs, SystemOptions
from img.models.protocol import Answers, Batch, Progress, Spans, System
from img.models.sizes import Sizes


class TinyOptions(SystemOptions):
    """The system has no choices."""

    kind: Literal["tiny"] = "tiny"

    def needs(self) -> Needs:
        return Needs(frozenset({"visual"}), "words")


class Tiny(System):
    branches = ("span",)

    def __init__(self, sizes: Sizes, vectors: Tensor) -> None:
        super().__init__()
        self.register_buffer("words", torch.cat((vectors.new_zeros(2, vectors.shape[1]), vectors)))
        self.linear = nn.Linear(sum(sizes.streams.values()) + vectors.shape[1], 2)

    def spans(self, batch: Batch) -> Tensor:
        """Predict a centre and a width for each sample, [B, 2], as shares of the video."""
        mask = batch.clip_mask[:, :, None]
        means = [(stream.values * mask).sum(1) / mask.sum(1) for stream in batch.streams.values()]
        query = (self.words[batch.words] * batch.word_mask[:, :, None]).sum(1)
        return self.linear(torch.cat([*means, query], -1)).sigmoid()

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        start, end = batch.targets.span.unbind(1)
        wanted = torch.stack(((start + end) / 2, end - start), 1)
        return {"total": (self.spans(batch) - wanted).abs().mean()}

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        centre, width = self.spans(batch).double().unbind(1)
        start, end = (centre - width / 2).clamp(0, 1), (centre + width / 2).clamp(0, 1)
        return Answers({"span": Spans(start[:, None], end[:, None], torch.ones(len(start), 1))})


def build(options: TinyOptions, sizes: Sizes, vectors: Tensor) -> Tiny:
    return Tiny(sizes, vectors)

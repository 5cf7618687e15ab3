"""A made-up second task: say the colour that a query names. And a system for it and for moment retrieval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from tiny_system import Tiny, TinyOptions
from torch import Tensor

from img.config.runs import InferenceOptions
from img.data.clips.inputs import Inputs
from img.data.collation import Samples, Text
from img.models.protocol import Answers, Batch, Progress, System, Targets
from img.models.sizes import Sizes
from img.tasks.task import Selection, Task

COLOURS = ("red", "blue")


@dataclass(frozen=True)
class Colour(Targets):
    number: Tensor
    """[B] int64, the colour's number among `COLOURS`."""


class Colours(Samples):
    """Queries that name a colour; a third of them, to have another number than moment retrieval has."""

    def targets(self, samples: np.ndarray, generator: np.random.Generator) -> Colour:
        named = self.table["sentence"].iloc[samples]
        return Colour(torch.tensor([COLOURS.index(sentence.split()[1]) for sentence in named]))

    def tabulate(self, system: System, answers: Sequence[Answers]) -> pd.DataFrame:
        said = [text for found in answers for text in found.texts["says"]]
        named = self.table["sentence"].str.split().str[1]
        return self.table[["query", "video"]].assign(branch="says", text=said, right=named == said)


class NamingColours(Task):
    selection = Selection("right", "says")

    def usable(self, queries: pd.DataFrame, split: str, inputs: Inputs) -> "pd.Series[bool]":
        third = pd.Series(np.arange(len(queries)) % 3 == 0, index=queries.index)
        return (queries["split"] == split) & third & queries["video"].isin(list(inputs.videos))

    def samples(
        self,
        queries: pd.DataFrame,
        split: str,
        inputs: Inputs,
        text: Text,
        sound: bool = True,
        fraction: float = 1.0,
        noisy_audio_share: float = 0.0,
        training: bool = False,
    ) -> Colours:
        table = queries[self.usable(queries, split, inputs)].reset_index(drop=True)
        return Colours(table, inputs, text, sound, noisy_audio_share)

    def no_targets(self) -> Colour:
        return Colour(torch.zeros(1, dtype=torch.int64))

    def score(
        self, predictions: pd.DataFrame, answers: int = 1, missed: int = 0
    ) -> dict[str, dict[str, float]]:
        right = 100 * float(predictions["right"].sum()) / (len(predictions) + missed)
        return {"says": {"right": right}}


class TwoTasksOptions(TinyOptions):
    kind: Literal["two_tasks"] = "two_tasks"


class TwoTasks(Tiny):
    """Names colours from the query's words, and finds moments as the tiny system does."""

    branches = ("span", "says")

    def __init__(self, sizes: Sizes, vectors: Tensor) -> None:
        super().__init__(sizes, vectors)
        self.name = torch.nn.Linear(vectors.shape[1], len(COLOURS))

    def colours(self, batch: Batch) -> Tensor:
        return self.name((self.words[batch.words] * batch.word_mask[:, :, None]).sum(1))

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        if not isinstance(batch.targets, Colour):
            return super().losses(batch, progress)
        wrong = torch.nn.functional.cross_entropy(self.colours(batch), batch.targets.number)
        return {"total": wrong, "colour": wrong}

    def answer(self, batch: Batch, options: InferenceOptions) -> Answers:
        if not isinstance(batch.targets, Colour):
            return super().answer(batch, options)
        return Answers(texts={"says": [COLOURS[number] for number in self.colours(batch).argmax(1)]})


def build(options: TwoTasksOptions, sizes: Sizes, vectors: Tensor) -> TwoTasks:
    return TwoTasks(sizes, vectors)

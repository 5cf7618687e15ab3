"""What a run knows of its task: the samples, what answers are worth, what selects a checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pandas as pd

from img.data.clips.inputs import Inputs
from img.data.collation import Samples, Text
from img.models.protocol import Targets


@dataclass(frozen=True)
class Selection:
    """What an epoch is chosen by: the one where it is highest.

    Attributes:
        metric: the metric.
        branch: the branch it is of; None for the system's preferred one.
    """

    metric: str
    branch: str | None = None


class Task(ABC):
    """What a system is asked of a query and its video.

    Which samples there are and what is asked of each (`samples`), what answers become (`Samples.tabulate`),
    and what these are worth (`score`). A system that is trained for several tasks tells batches apart by the
    class of their targets, and answers each task in branches of its own.

    Attributes:
        selection: what an epoch is chosen by.
    """

    selection: Selection

    @abstractmethod
    def usable(self, queries: pd.DataFrame, split: str, inputs: Inputs) -> pd.Series[bool]:
        """Tells which queries of the queries table are samples of a split."""

    @abstractmethod
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
    ) -> Samples:
        """Opens a split's samples.

        Args:
            queries: the queries table.
            split: the split to take.
            inputs: the videos' clips.
            text: gives words ids, or gives features in their place.
            sound: false treats every video as one without the stream `audio`.
            fraction: share of the usable queries to keep.
            noisy_audio_share: share of the videos with noise in their sound.
            training: whether they are to train on: a query with several right answers may then be several.

        Raises:
            ValueError: the split has no sample, or the dataset lacks what an argument is about.
        """

    @abstractmethod
    def no_targets(self) -> Targets:
        """Gives the targets of a batch of one sample of which nothing is known, such as a new query."""

    @abstractmethod
    def score(
        self, predictions: pd.DataFrame, answers: int = 1, missed: int = 0
    ) -> dict[str, dict[str, float]]:
        """Scores what `Samples.tabulate` gave, branch by branch.

        Args:
            predictions: the rows.
            answers: n, the most answers a query has in them.
            missed: further queries, which have no answer and count as wrong.

        Returns:
            Branch -> metric -> value; the higher the better. A metric's name means the same in every task.
        """

    def best_constant(self, samples: Samples, missed: int = 0) -> dict[str, float]:
        """Scores the best answer that is the same for every query; nothing where a task has none.

        Args:
            samples: on which it is chosen, so an upper bound.
            missed: further queries, which count as wrong.
        """
        return {}

"""The system without training: curves and spans computed by hand, and samples that do not see each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from toy_dataset import Toy, small_options

from extractors.storage.store import Store
from img.config.runs import InferenceOptions
from img.models.protocol import Batch, MomentTargets, Progress, Stream
from img.models.similarity.model import Similarity, best_spans
from img.models.similarity.options import SimilarityOptions
from img.models.sizes import Sizes
from img.runs.evaluation import evaluate_run
from img.runs.making import make_run
from img.runs.opening import open_run

ONE = InferenceOptions(answers=1)


def system(
    widths: dict[str, int], query_width: int | None = None, vectors: list[list[float]] | None = None
) -> Similarity:
    words = torch.tensor(vectors) if vectors else torch.zeros(0, 0)
    sizes = Sizes(widths, len(words), words.shape[1], 0, query_width)
    chosen = SimilarityOptions(compared=tuple(widths), smoothing=1)
    return Similarity(chosen, sizes, words)


def batch(clips: list[int], streams: dict[str, torch.Tensor], **query: torch.Tensor) -> Batch:
    mask = torch.arange(max(clips)) < torch.tensor(clips)[:, None]
    count = len(clips)
    (text,) = query.values()
    nothing = torch.zeros(count, 2, dtype=torch.int64)
    return Batch(
        {name: Stream(values, values.abs().sum((1, 2)) > 0) for name, values in streams.items()},
        clip_mask=mask,
        word_mask=torch.ones(text.shape[:2], dtype=torch.bool),
        targets=MomentTargets(nothing[:, 0], nothing[:, 0], nothing.float(), nothing, nothing),
        **query,
    )


def test_the_best_span_is_the_largest_sum() -> None:
    # -1 +2 -1 +3 -4 +3: the sums of 1..3 and of 1..5 are 4 and 3.
    curve = torch.tensor([[-1.0, 2, -1, 3, -4, 3]])
    spans = best_spans(curve, torch.ones(1, 6, dtype=torch.bool), answers=2, nms_threshold=0.0)
    assert spans.start.tolist() == [pytest.approx([1 / 6, 5 / 6])]
    assert spans.end.tolist() == [pytest.approx([4 / 6, 1])]
    assert spans.score.tolist() == [pytest.approx([4 / 6, 3 / 6])]


def test_there_are_no_more_spans_than_a_video_has_and_padding_is_none() -> None:
    curve = torch.tensor([[1.0, 9.0, 9.0]])
    spans = best_spans(curve, torch.tensor([[True, False, False]]), answers=2)
    assert spans.start[0, 0] == 0
    assert spans.end[0, 0] == 1
    assert spans.score.tolist() == [[1, 0]]
    assert spans.start[0, 1].isnan()


def test_the_answer_is_where_cosines_are_above_their_mean() -> None:
    # Cosines 0, 1, 1, 0.6 with the query (1, 0): mean 0.65, so clips 1 and 2.
    clips = torch.tensor([[[0.0, 2], [3, 0], [1, 0], [3, 4]]])
    answers = system({"visual": 2}, 2).answer(
        batch([4], {"visual": clips}, query_features=torch.tensor([[[1.0, 0]]])), ONE
    )
    assert list(answers.spans) == ["visual"]
    curve = answers.traces["visual"]["similarity"]
    torch.testing.assert_close(curve, torch.tensor([[-0.65, 0.35, 0.35, -0.05]]))
    span = answers.spans["visual"]
    assert (span.start.item(), span.end.item()) == (0.25, 0.75)
    assert span.score.item() == pytest.approx(0.7 / 4)


def test_smoothing_takes_the_mean_of_real_neighbours() -> None:
    clips = torch.tensor([[[1.0, 0], [0, 1], [0, 1], [0, 1]], [[1, 0], [0, 1], [0, 0], [0, 0]]])
    smooth = Similarity(
        SimilarityOptions(compared=("visual",), smoothing=3),
        Sizes({"visual": 2}, 0, 0, 0, 2),
        torch.zeros(0, 0),
    )
    query = torch.tensor([[[1.0, 0]]] * 2)
    curve = smooth.answer(batch([4, 2], {"visual": clips}, query_features=query), ONE).traces["visual"][
        "similarity"
    ]
    # 1/2, 1/3, 0, 0 with mean 5/24; 1/2, 1/2 where only two clips are real.
    torch.testing.assert_close(curve[0] + 5 / 24, torch.tensor([1 / 2, 1 / 3, 0, 0]))
    assert curve[1].tolist() == [0, 0, 0, 0]


def test_streams_are_added_and_each_answers_alone() -> None:
    seen = torch.tensor([[[1.0, 0], [1, 0], [0, 1], [0, 1]]])
    heard = torch.tensor([[[0.0, 1], [1, 0], [1, 0], [0, 1]]])
    both = system({"visual": 2, "audio": 2}, 2)
    assert both.branches == ("fusion", "visual", "audio")
    assert both.fallback == "visual"
    query = torch.tensor([[[1.0, 0]]])
    spans = both.answer(batch([4], {"visual": seen, "audio": heard}, query_features=query), ONE).spans
    found = {name: (span.start.item(), span.end.item()) for name, span in spans.items()}
    # The sum is 0, 1, 0, -1 from its mean; of equal sums the span that ends first and is shortest counts.
    assert found == {"fusion": (0.25, 0.5), "visual": (0, 0.5), "audio": (0.25, 0.75)}


def test_a_video_without_sound_is_answered_by_what_is_seen() -> None:
    seen = torch.tensor([[[1.0, 0], [0, 1], [0, 1], [0, 1]]])
    query = torch.tensor([[[1.0, 0]]])
    streams = {"visual": seen, "audio": torch.zeros_like(seen)}
    answers = system({"visual": 2, "audio": 2}, 2).answer(batch([4], streams, query_features=query), ONE)
    assert torch.equal(answers.traces["fusion"]["similarity"], answers.traces["visual"]["similarity"])


def test_a_query_as_wide_as_all_streams_has_a_part_for_each() -> None:
    parts = system({"visual": 2, "audio": 3}, 5)
    seen = torch.tensor([[[1.0, 0], [0, 1]]])
    heard = torch.tensor([[[0.0, 0, 1], [1, 0, 0]]])
    query = torch.tensor([[[1.0, 0, 1, 0, 0]]])
    traces = parts.answer(batch([2], {"visual": seen, "audio": heard}, query_features=query), ONE).traces
    assert traces["visual"]["similarity"].tolist() == [[0.5, -0.5]]
    assert traces["audio"]["similarity"].tolist() == [[-0.5, 0.5]]


def test_widths_of_no_common_space_are_refused() -> None:
    with pytest.raises(ValueError, match=r"queries of 4 values and streams of .*'visual': 2, 'audio': 3"):
        system({"visual": 2, "audio": 3}, 4)


def test_words_count_by_their_vectors_and_unknown_ones_not_at_all() -> None:
    worded = system({"visual": 2}, vectors=[[0.0, 3]])
    worded.add_words(torch.tensor([[4.0, 0]]))
    clips = torch.tensor([[[1.0, 0], [0, 1]]] * 2)
    # UNKNOWN, the added word, PAD; and a query of nothing that is known.
    words = torch.tensor([[1, 3, 0], [1, 0, 0]])
    curve = worded.answer(batch([2, 2], {"visual": clips}, words=words), ONE).traces["visual"]["similarity"]
    assert curve.tolist() == [[0.5, -0.5], [0, 0]]


def test_a_sample_is_answered_alike_whatever_its_neighbours() -> None:
    generator = torch.Generator().manual_seed(0)
    clips, query = torch.randn(3, 7, 4, generator=generator), torch.randn(3, 2, 4, generator=generator)
    mask = torch.arange(7) < torch.tensor([5, 7, 3])[:, None]
    clips = clips * mask[:, :, None]
    alike = system({"visual": 4}, 4)
    options = InferenceOptions(answers=3)
    together = alike.answer(batch([5, 7, 3], {"visual": clips}, query_features=query), options).spans[
        "visual"
    ]
    alone = alike.answer(batch([5], {"visual": clips[:1, :5]}, query_features=query[:1]), options).spans[
        "visual"
    ]
    torch.testing.assert_close(together.start[:1], alone.start)
    torch.testing.assert_close(together.end[:1], alone.end)


@pytest.mark.parametrize(
    ("wrong", "message"), [({"smoothing": 2}, "odd"), ({"compared": ("a", "a")}, "once")]
)
def test_odd_choices_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimilarityOptions(**wrong)


def test_a_run_of_it_is_made_without_a_step_and_evaluated(toy: Toy, tmp_path: Path) -> None:
    options = small_options().model_copy(
        update={"model": SimilarityOptions(compared=("visual",), smoothing=1, max_clips=8, max_words=8)}
    )
    store, data = Store(tmp_path / "store"), toy.data()
    # The toy's words have vectors of 8 values, its pictures rows of 4.
    with pytest.raises(ValueError, match=r"queries of 8 values and streams of .*'visual': 4"):
        make_run(data, options, 0, store, "cpu", False)
    # `red` lies along the pictures' first value, `blue` along the second.
    axes = {"red": [1, 0, 0, 0], "blue": [0, 1, 0, 0]}
    vectors = np.array([axes.get(word, [0, 0, 0, 0]) for word in toy.vocabulary.words], np.float32)
    folder, _ = make_run(replace(data, vectors=vectors), options, 0, store, "cpu", False)
    (reached,) = pd.read_csv(folder / "history.csv").to_dict("records")
    # Pictures outside the moments are noise, which may look like anything to a cosine; chance is far below.
    assert reached["visual_R1@0.5"] >= 60
    run = open_run(folder)
    assert run.made["best_epoch"] == 0
    found = evaluate_run(run, toy.splits("test"), "cpu", ONE, tmp_path / "predictions.parquet")
    for protocol in ("last", "best_on_test"):
        assert found["protocols"][protocol]["test"]["visual"]["R1@0.5"] == reached["visual_R1@0.5"]


def test_nothing_is_lost() -> None:
    query = torch.tensor([[[1.0, 0]]])
    losses = system({"visual": 2}, 2).losses(
        batch([1], {"visual": torch.ones(1, 1, 2)}, query_features=query), Progress(0, 1)
    )
    assert losses["total"] == 0

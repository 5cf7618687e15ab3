"""The JSONL of Moment-DETR's family, and queries with several windows from its lines to their scores."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from toy_dataset import Toy, make_toy, small_options

from extractors.storage.store import Store
from img.config.dataset import Annotations, QueryOptions
from img.data.annotations.query import Query
from img.data.annotations.reading import read_queries
from img.data.clips.inputs import Inputs
from img.data.samples import Moments
from img.data.text.queries import prepare_queries, read_queries_table
from img.data.text.vocabulary import Vocabulary
from img.data.windows import list_windows, split_windows
from img.models.protocol import Answers, Spans
from img.runs.making import RunData, make_run
from img.tasks.moment import MomentRetrieval

# The form of the published file, with its keys in their order; the sentence and numbers are made up.
LINE: dict[str, Any] = {
    "qid": 7,
    "query": "A chef chops an onion.",
    "duration": 126,
    "vid": "aBc-_9_660.0_810.0",
    "relevant_clip_ids": [0, 1, 10],
    "saliency_scores": [[4, 1, 2], [4, 4, 4], [3, 2, 1]],
    "relevant_windows": [[20, 22], [0, 4], [120, 130]],
}


def read(folder: Path, *entries: Any) -> list[Query]:
    path = folder / "train.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return read_queries(Annotations(format="qvhighlights", splits={"train": path}))


def test_a_line_is_a_query_with_all_its_windows_cut_to_the_video(tmp_path: Path) -> None:
    (query,) = read(tmp_path, LINE)
    assert (query.query, query.video, query.duration) == ("qid_7", "aBc-_9_660.0_810.0", 126.0)
    assert (query.start, query.end) == (0.0, 4.0)
    assert query.further_windows == ((20.0, 22.0), (120.0, 126.0))
    assert (query.sentence, query.fault) == ("A chef chops an onion.", "")


def test_a_query_with_one_impossible_window_is_left_out(tmp_path: Path) -> None:
    good, faulty = read(tmp_path, LINE, {**LINE, "qid": 8, "relevant_windows": [[0, 4], [5, 5]]})
    assert (good.fault, faulty.fault) == ("", "its end 5 s does not come after its start 5 s")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"relevant_windows": []}, "relevant_windows: expected at least one window, found []"),
        ({"relevant_windows": [[0, 2, 4]]}, "expected a start and an end, found [0, 2, 4]"),
        ({"relevant_windows": [["0", "2"]]}, "expected seconds, found '0'"),
        ({"duration": None}, "duration: expected seconds, found None"),
        ({"qid": 1.5}, "qid: expected a whole number"),
        ({"vid": 3}, "vid: expected text, found 3"),
        ({"vid": "a/b"}, "expected ids of videos that can name files"),
        ({"query": ["x"]}, "expected a sentence, found ['x']"),
        ({"qid": 6}, "found qid_6 of line 1"),
    ],
)
def test_a_fault_is_refused_with_its_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        read(tmp_path, {**LINE, "qid": 6}, {**LINE, **change})
    assert str(error.value).startswith(f"{tmp_path / 'train.jsonl'}, line 2: ")
    assert reason in str(error.value)


def test_a_file_without_answers_is_refused_with_the_reason(tmp_path: Path) -> None:
    entry = {key: value for key, value in LINE.items() if key != "relevant_windows"}
    with pytest.raises(ValueError, match="line 1: expected relevant_windows, found none: the answers of"):
        read(tmp_path, entry)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))


def with_windows(toy: Toy, folder: Path) -> pd.DataFrame:
    """Queries about the toy's videos of 16 seconds, read from the format, written and read again."""
    lines = {
        "train": [
            {"qid": 1, "vid": "train0", "relevant_windows": [[2, 4], [8, 12], [14, 16]]},
            {"qid": 2, "vid": "train1", "relevant_windows": [[0, 16]]},
        ],
        "test": [
            {"qid": 3, "vid": "test0", "relevant_windows": [[2, 4], [8, 12]]},
            {"qid": 4, "vid": "test2", "relevant_windows": [[4, 8]]},
        ],
    }
    splits = {}
    for split, entries in lines.items():
        splits[split] = folder / f"{split}.jsonl"
        texts = [json.dumps({**entry, "query": "the red light", "duration": 16}) for entry in entries]
        splits[split].write_text("\n".join(texts))
    annotations = Annotations(format="qvhighlights", splits=splits)
    options = QueryOptions(embedding_width=8, min_character_count=1)
    prepare_queries(annotations, options, ["train"], folder / "queries")
    return read_queries_table(folder / "queries")


def open_moments(toy: Toy, table: pd.DataFrame, split: str, **options: Any) -> Moments:
    vocabulary = Vocabulary.load(toy.queries / "vocabulary.json")
    return Moments(table, split, Inputs.load(toy.inputs), vocabulary, **options)


def test_training_has_a_sample_for_each_window(toy: Toy, tmp_path: Path) -> None:
    samples = open_moments(toy, with_windows(toy, tmp_path), "train", each_window=True)
    assert samples.table["query"].tolist() == ["qid_1", "qid_1", "qid_1", "qid_2"]
    assert samples.table[["start", "end"]].to_numpy().tolist() == [[2, 4], [8, 12], [14, 16], [0, 16]]
    # Eight clips of 2 s each: the clips of a window by hand, the last one inclusive.
    assert list(zip(samples.start, samples.end, strict=True)) == [(1, 1), (4, 5), (7, 7), (0, 7)]
    np.testing.assert_array_equal(
        samples.batch(np.array([1]), np.random.default_rng(0)).targets.span, [[0.5, 0.75]]
    )


def test_an_answer_is_held_against_the_window_it_overlaps_most(toy: Toy, tmp_path: Path) -> None:
    moments = open_moments(toy, with_windows(toy, tmp_path), "test")
    assert moments.table["query"].tolist() == ["qid_3", "qid_4"]
    # Seconds: 6 to 12 against 8 to 12 is 4/6, 2 to 3 against 2 to 4 is 1/2, 4 to 6 against 4 to 8 is 1/2.
    answers = np.array(
        [[[6 / 16, 12 / 16, 0.9], [2 / 16, 3 / 16, 0.1]], [[4 / 16, 6 / 16, 0.9], [np.nan, np.nan, 0]]]
    )
    spans = Spans(*torch.from_numpy(answers).unbind(-1))
    system = SimpleNamespace(branches=("visual",), fallback="visual")
    rows = moments.tabulate(system, [Answers({"visual": spans})])
    table = rows[rows["branch"] == "visual"]
    assert table["iou"].tolist() == pytest.approx([2 / 3, 1 / 2, 1 / 2])
    annotated = table[["annotated_start", "annotated_end"]].to_numpy().tolist()
    assert annotated == [[8, 12], [2, 4], [4, 8]]
    assert MomentRetrieval().score(table)["visual"]["mIoU"] == pytest.approx(100 * (2 / 3 + 1 / 2) / 2)


def test_queries_of_one_moment_are_left_as_they_are(toy: Toy) -> None:
    table = read_queries_table(toy.queries)
    assert split_windows(table) is table
    np.testing.assert_array_equal(list_windows(table)[:, 0], table[["start", "end"]])


def test_a_video_whose_duration_is_not_annotated_is_as_long_as_its_clips(toy: Toy) -> None:
    inputs = Inputs.load(toy.inputs)
    known = replace(
        inputs, videos={name: replace(video, seconds=16.0) for name, video in inputs.videos.items()}
    )
    table = read_queries_table(toy.queries)
    table = table[table["video"] == "test0"].assign(duration=np.nan, start=[2.0, 8.0], end=[4.0, 99.0])
    beyond = table.iloc[:1].assign(query="late", start=16.0, end=17.0)
    moments = Moments(pd.concat([table, beyond], ignore_index=True), "test", known, toy.vocabulary)
    assert moments.table["duration"].tolist() == [16.0, 16.0]
    assert moments.table[["start", "end"]].to_numpy().tolist() == [[2.0, 4.0], [8.0, 16.0]]
    # Eight clips of 2 s.
    assert list(zip(moments.start, moments.end, strict=True)) == [(1, 1), (4, 7)]


def test_a_duration_that_nobody_knows_is_refused_with_the_video(toy: Toy) -> None:
    unknown = read_queries_table(toy.queries).assign(duration=np.nan)
    with pytest.raises(ValueError, match=r"video test0: expected a duration, found none"):
        open_moments(toy, unknown, "test")


def test_a_run_is_trained_on_every_window_and_its_key_holds_them(toy: Toy, tmp_path: Path) -> None:
    table = with_windows(toy, tmp_path)
    known = RunData.open(toy.queries, toy.inputs)
    data = replace(known, queries=table)
    key = data.identify(["train"], [MomentRetrieval()])["queries"]
    assert (
        key
        == replace(known, queries=read_queries_table(tmp_path / "queries")).identify(
            ["train"], [MomentRetrieval()]
        )["queries"]
    )
    changed = table.assign(further_windows=[((8.0, 12.0),), (), (), ()])
    assert replace(known, queries=changed).identify(["train"], [MomentRetrieval()])["queries"] != key
    options = small_options({"epochs": 1, "batch_size": 4})
    folder, _ = make_run(data, options, 0, Store(tmp_path / "store"), "cpu", False)
    assert len((folder / "history.csv").read_text().splitlines()) == 2

"""Queries encoded by CLIP's text tower and by MiniLM, in the place of given features."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from extractors.storage.files import read_json, sha256_of_path
from img.config.base import check
from img.config.dataset import QueryOptions
from img.config.query_encoder import QueryEncoder
from img.data.text.query_encoding import SentenceEncoder, encode_queries, encode_query_features
from img.data.text.query_features import QueryFeatures

pytest.importorskip("transformers")

GOLDEN = Path(__file__).parents[1] / "golden"
SENTENCES = {"q1": "a man opens the door", "q2": "the cat runs", "q0": "hello", "q3": "the cat runs"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    from tiny_text import save_tiny_bert

    return save_tiny_bert(tmp_path_factory.mktemp("bert") / "tiny")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    pytest.importorskip("open_clip")
    from tiny_text import save_tiny_clip_text

    return save_tiny_clip_text(tmp_path_factory.mktemp("clip") / "tiny")


def table(sentences: dict[str, str] = SENTENCES) -> pd.DataFrame:
    return pd.DataFrame({"query": list(sentences), "sentence": list(sentences.values()), "fault": ""})


@pytest.mark.slow
def test_tokens_and_sentences_of_clip_are_those_recorded(clip: Path) -> None:
    recorded = np.load(GOLDEN / "clip_tiny.npz")
    texts = [str(text) for text in recorded["texts"]]
    tokens = encode_queries(QueryEncoder(kind="clip_text", weights=clip), texts)
    # Both specials are rows, padding is not.
    assert [len(rows) for rows in tokens] == [7, 11, 3]
    for rows, hidden in zip(tokens, recorded["hidden"], strict=True):
        np.testing.assert_allclose(rows, hidden[: len(rows)], atol=1e-5)
    pooled = encode_queries(QueryEncoder(kind="clip_text", weights=clip, output="sentence"), texts)
    np.testing.assert_allclose(np.concatenate(pooled), recorded["text"], atol=1e-5)


@pytest.mark.slow
def test_an_exclamation_mark_keeps_the_end_token(clip: Path) -> None:
    (rows,) = encode_queries(QueryEncoder(kind="clip_text", weights=clip), ["stop !$ now"])
    assert len(rows) == 6


def test_a_long_sentence_is_cut_but_keeps_its_end_token(bert: Path) -> None:
    encoder = SentenceEncoder(QueryEncoder(kind="minilm", weights=bert, max_tokens=5))
    ids = encoder.tokenise("cat dog cat dog cat dog")
    assert len(ids) == 5
    assert ids[-1] == 3
    assert encoder.encode([ids])[0].shape == (5, 16)


def test_a_sentence_is_encoded_alike_whatever_stands_beside_it(bert: Path) -> None:
    settings = QueryEncoder(kind="minilm", weights=bert)
    together = encode_queries(settings, list(SENTENCES.values()))
    for sentence, rows in zip(SENTENCES.values(), together, strict=True):
        np.testing.assert_allclose(encode_queries(settings, [sentence])[0], rows, atol=1e-5)


@pytest.mark.parametrize("output", ["tokens", "sentence"])
def test_a_datasets_queries_lie_in_one_file_that_tells_the_encoder(
    bert: Path, tmp_path: Path, output: str
) -> None:
    settings = check(QueryEncoder, {"kind": "minilm", "weights": str(bert), "output": output}, "x")
    encode_query_features(table(), settings, 4, "cpu", tmp_path)
    features = QueryFeatures.load(tmp_path)
    assert features.faults == {}
    assert features.encoder == {
        "kind": "minilm",
        "weights": f"sha256:{sha256_of_path(bert)}",
        "file_name": "tiny",
        "output": output,
        "max_tokens": None,
    }
    expected = dict(zip(SENTENCES, encode_queries(settings, list(SENTENCES.values())), strict=True))
    for query, (first, count) in features.rows.items():
        rows = expected[query][:4]
        assert count == len(rows)
        np.testing.assert_allclose(features.values[first : first + count], rows, atol=1e-5)
    assert sum(count for _, count in features.rows.values()) == len(features.values)
    assert read_json(tmp_path / "index.json")["width"] == 16


def test_an_id_of_two_sentences_is_refused(bert: Path, tmp_path: Path) -> None:
    queries = pd.concat([table({"q": "a cat"}), table({"q": "a dog"})])
    with pytest.raises(ValueError, match="expected ids that stand for one sentence each"):
        encode_query_features(queries, QueryEncoder(kind="minilm", weights=bert), 8, "cpu", tmp_path)


def test_features_are_given_or_made_not_both() -> None:
    values = {"features": "folder", "encoder": {"kind": "clip_text", "weights": "clip"}}
    with pytest.raises(ValueError, match="encoder: expected none beside features, found clip_text"):
        check(QueryOptions, values, "queries")
    del values["features"]
    assert check(QueryOptions, values, "queries").are_features
    assert not QueryOptions().are_features

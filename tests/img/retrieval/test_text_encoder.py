from pathlib import Path

import numpy as np
import pytest

from img.config.query_encoder import QueryEncoder
from img.data.text.query_encoding import describe_encoder, encode_queries
from img.retrieval.encoding.text_encoder import TextEncoder

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, one of which is the encoder's."""
    from tiny_text import save_tiny_bert

    folder = tmp_path_factory.mktemp("models")
    save_tiny_bert(folder / "mine")
    save_tiny_bert(folder / "other")
    (folder / "other" / "more.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def settings(models: Path) -> QueryEncoder:
    return QueryEncoder(kind="minilm", weights=models / "mine", output="tokens", max_tokens=5)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_sentence_is_encoded_as_the_runs_queries_were(
    models: Path, settings: QueryEncoder, is_given: bool
) -> None:
    given = models / "mine" if is_given else None
    encoder = TextEncoder(describe_encoder(settings), given=given, folder=models)
    (expected,) = encode_queries(settings, ["the man opens the door"])
    np.testing.assert_allclose(encoder.encode("the man opens the door"), expected, atol=1e-6)
    assert expected.shape == (5, 16)


def test_an_encoder_of_another_name_is_found_by_its_content(models: Path, settings: QueryEncoder) -> None:
    recorded = {**describe_encoder(settings), "file_name": "renamed"}
    assert len(TextEncoder(recorded, folder=models).encode("hello")) == 3


def test_another_encoder_is_refused_by_its_hash(models: Path, settings: QueryEncoder, tmp_path: Path) -> None:
    recorded = describe_encoder(settings)
    with pytest.raises(ValueError, match=r"queries: expected the folder .* mine \(SHA-256 .*found another"):
        TextEncoder(recorded, given=models / "other").encode("hello")
    with pytest.raises(ValueError, match=r"found none below .*; give its place by --weights queries=PATH"):
        TextEncoder(recorded, folder=tmp_path).encode("hello")


def test_a_run_that_reads_words_has_no_encoder() -> None:
    assert TextEncoder.of_run({}, "cpu") is None

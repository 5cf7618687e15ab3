"""A Whisper of a few ten thousand weights, as a folder: words, tokens of languages and of times included."""

from pathlib import Path

import transformers
from formula_weights import fill

WORDS = 60
_MARKS = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>")
_MARKS += ("<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")
END, START, ENGLISH, TRANSLATE, TRANSCRIBE, PREVIOUS, _, NO_TIMES = range(WORDS, WORDS + len(_MARKS))
FIRST_TIME = NO_TIMES + 1


def save_tiny_whisper(folder: Path, multilingual: bool = True, scale: float = 2.0) -> Path:
    """Writes model, generation settings, tokeniser and front end."""
    times = [f"<|{step / 50:.2f}|>" for step in range(1501)]
    special = {
        "pad_token_id": END,
        "bos_token_id": END,
        "eos_token_id": END,
        "decoder_start_token_id": START,
    }
    config = transformers.WhisperConfig(
        vocab_size=FIRST_TIME + len(times),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        suppress_tokens=[],
        begin_suppress_tokens=[END],
        **special,
    )
    network = transformers.WhisperForConditionalGeneration(config)
    fill(network, scale, ("proj_out.weight", "encoder.embed_positions.weight"))
    network.tie_weights()
    languages = {
        "lang_to_id": {"<|en|>": ENGLISH},
        "task_to_id": {"transcribe": TRANSCRIBE, "translate": TRANSLATE},
    }
    network.generation_config = transformers.GenerationConfig(
        alignment_heads=[[0, 0]],
        begin_suppress_tokens=[END],
        suppress_tokens=[],
        is_multilingual=multilingual,
        max_initial_timestamp_index=50,
        max_length=448,
        no_timestamps_token_id=NO_TIMES,
        prev_sot_token_id=PREVIOUS,
        return_timestamps=True,
        **(languages if multilingual else {}),
        **special,
    )
    network.save_pretrained(folder)
    words = {f"Ġw{index}": index for index in range(WORDS)}
    tokeniser = transformers.WhisperTokenizer(vocab={**words, "<|endoftext|>": END}, merges=[])
    tokeniser.add_special_tokens({"additional_special_tokens": list(_MARKS[1:])})
    tokeniser.add_tokens(times)
    tokeniser.save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    return folder

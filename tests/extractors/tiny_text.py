"""Text encoders of a few ten thousand weights, as folders."""

import gzip
from pathlib import Path

import open_clip.tokenizer
import torch
import transformers
from formula_weights import draw, fill

from extractors.kinds.clip.checkpoint import rename

WORDS = ["a", "the", "man", "woman", "opens", "closes", "door", "hello", "cat", "dog", "runs", "##", "##s"]


def save_tiny_bert(folder: Path) -> Path:
    """BERT with 16 values a token and a vocabulary of a few words."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    config = transformers.BertConfig(vocab_size=len(vocabulary), **sizes)
    fill(transformers.BertModel(config, add_pooling_layer=False), 1.0).save_pretrained(folder)
    ids = {word: index for index, word in enumerate(vocabulary)}
    transformers.BertTokenizer(vocab=ids).save_pretrained(folder)
    return folder


def save_tiny_clip_text(folder: Path) -> Path:
    """The text tower of the recorded outputs, with CLIP's real vocabulary: 32 values a token, 24 a text."""
    config = transformers.CLIPTextConfig(
        vocab_size=49408,
        hidden_size=32,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        projection_dim=24,
        bos_token_id=49406,
        eos_token_id=49407,
    )
    shapes = {"token_embedding.weight": (49408, 32), "positional_embedding": (77, 32)}
    for layer in range(3):
        block = f"transformer.resblocks.{layer}"
        shapes |= {
            f"{block}.{norm}.{part}": (32,) for norm in ("ln_1", "ln_2") for part in ("weight", "bias")
        }
        shapes |= {f"{block}.attn.in_proj_weight": (96, 32), f"{block}.attn.in_proj_bias": (96,)}
        shapes |= {f"{block}.attn.out_proj.weight": (32, 32), f"{block}.attn.out_proj.bias": (32,)}
        shapes |= {f"{block}.mlp.c_fc.weight": (128, 32), f"{block}.mlp.c_fc.bias": (128,)}
        shapes |= {f"{block}.mlp.c_proj.weight": (32, 128), f"{block}.mlp.c_proj.bias": (32,)}
    shapes |= {"ln_final.weight": (32,), "ln_final.bias": (32,), "text_projection": (32, 24)}
    state = {name: torch.from_numpy(draw(name, shape, 1.0)).float() for name, shape in shapes.items()}
    network = transformers.CLIPTextModelWithProjection(config)
    network.load_state_dict(rename(state))
    network.save_pretrained(folder)
    clip_tokeniser().save_pretrained(folder)
    return folder


def clip_tokeniser() -> transformers.CLIPTokenizer:
    """CLIP's tokeniser, of the merges that open_clip ships."""
    with gzip.open(open_clip.tokenizer.default_bpe()) as file:
        lines = file.read().decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    letters = list(open_clip.tokenizer.bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    ids = {token: index for index, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=ids, merges=merges)

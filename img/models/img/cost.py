"""What a model costs: its trainable parameters and the floating point operations of one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from img.models.img.model import IMG
from img.models.img.options import ImgOptions
from img.models.protocol import Batch, MomentTargets, Stream

COUNTED = """\
Parameters are the trainable ones; word vectors are frozen and left out. FLOPs are those of matrix products
and convolutions, for one query on one video at inference, a multiply-add as 2; MACs count it as 1.
Activations, sums, softmax and normalisation are left out."""

Printed = Mapping[str, tuple[float, float]]
"""Part of Table 12 -> millions of parameters and "Flops(G)" as the paper prints them."""


@dataclass(frozen=True)
class Size:
    """What a model is built for and what it answers.

    Attributes:
        visual_width: Dv.
        audio_width: Da.
        clips: T of the video.
        words: N of the query.
        letters: C of its longest word.
        characters: character ids, padding and unknown included.
        word_width: values of a word vector.
        query_width: values of a query feature, where queries are given as features; None for words.
    """

    visual_width: int = 1024
    audio_width: int = 2048
    clips: int = 128
    words: int = 10
    letters: int = 10
    characters: int = 42
    word_width: int = 300
    query_width: int | None = None


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and floating point operations with a multiply-add as 2."""

    parameters: int
    flops: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.flops + other.flops)


def count_cost(options: ImgOptions, size: Size) -> dict[str, Cost]:
    """Counts each part of a model and, as `IMG`, the whole.

    On the CPU, where the GRUs are matrix products that can be counted; on a GPU they are one operation that
    cannot.
    """
    vectors = torch.zeros(1, size.word_width)
    widths = size.visual_width, size.audio_width
    model = IMG(options, *widths, vectors, size.characters, size.query_width).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(_query(size), 0)
    flops = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    parts = {
        name: Cost(_parameters(part), flops.get(f"{type(model).__name__}.{name}", 0))
        for name, part in _parts(model)
    }
    return {**parts, "IMG": Cost(_parameters(model), flops["Global"])}


def compare_with_paper(costs: dict[str, Cost]) -> dict[str, Cost]:
    """Sums the parts up as Table 12 of the paper has them: AIP, MGF (the fusion without AIP) and IMG."""
    nothing = Cost(0, 0)
    fusion = [cost for name, cost in costs.items() if name.startswith("fusion.")]
    predictor = costs.get("fusion.importance", nothing)
    less = Cost(-predictor.parameters, -predictor.flops)
    return {"AIP": predictor, "MGF": sum(fusion, nothing) + less, "IMG": costs["IMG"]}


def as_json(costs: dict[str, Cost], size: Size, printed: Printed) -> dict[str, Any]:
    """Returns everything that `format_costs` prints, to be written as JSON."""
    sums = {name: asdict(cost) for name, cost in compare_with_paper(costs).items()}
    for name, (million, giga) in printed.items():
        sums[name] |= {"paper_million_parameters": million, "paper_gflops": giga}
    return {
        "counted": COUNTED,
        "size": asdict(size),
        "parts": {name: asdict(cost) for name, cost in costs.items()},
        "table_12": sums,
    }


def format_costs(costs: dict[str, Cost], size: Size, printed: Printed) -> str:
    """Returns the parts, and their sums beside those that the paper's Table 12 prints, as text."""
    lines = [
        f"visual {size.visual_width} and audio {size.audio_width} wide, {size.clips} clips, "
        f"{size.words} words of up to {size.letters} letters",
        "",
        f"{'part':<26}{'parameters':>12}{'MFLOPs':>12}",
    ]
    lines += [f"{name:<26}{cost.parameters:>12,}{cost.flops / 1e6:>12.2f}" for name, cost in costs.items()]
    lines += ["", f"{'':<8}{'M parameters':>14}{'Table 12':>12}{'GFLOPs':>12}{'GMACs':>12}{'Table 12':>12}"]
    for name, cost in compare_with_paper(costs).items():
        million, giga = printed.get(name, (None, None))
        counts = [cost.parameters / 1e6, million, cost.flops / 1e9, cost.flops / 2e9, giga]
        lines.append(f"{name:<8}" + "".join(map(_cell, counts, (14, 12, 12, 12, 12))))
    return "\n".join([*lines, "", COUNTED])


def _cell(count: float | None, width: int) -> str:
    return f"{'–':>{width}}" if count is None else f"{count:>#{width}.3g}"


def _parts(model: IMG) -> Iterator[tuple[str, nn.Module]]:
    """Yields the model's blocks; of the fusion, whose parts the paper counts, the blocks it is made of."""
    for name, part in model.named_children():
        if name != "fusion":
            yield name, part
            continue
        for inner_name, inner in part.named_children():
            groups = inner.named_children() if isinstance(inner, nn.ModuleDict) else [("", inner)]
            for last_name, block in groups:
                yield ".".join(filter(None, (name, inner_name, last_name))), block


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _query(size: Size) -> Batch:
    clips = torch.ones(1, size.clips, dtype=torch.bool)
    word_mask = torch.ones(1, size.words, dtype=torch.bool)
    nowhere = torch.zeros(1, dtype=torch.int64)
    everyone = torch.ones(1, dtype=torch.bool)
    pairs = nowhere.expand(1, 2)
    words = characters = features = None
    if size.query_width is None:
        words = torch.full((1, size.words), 2)
        characters = torch.full((1, size.words, size.letters), 2)
    else:
        features = torch.zeros(1, size.words, size.query_width)
    return Batch(
        streams={
            "visual": Stream(torch.zeros(1, size.clips, size.visual_width), everyone),
            "audio": Stream(torch.zeros(1, size.clips, size.audio_width), everyone),
        },
        clip_mask=clips,
        word_mask=word_mask,
        targets=MomentTargets(nowhere, nowhere, torch.zeros(1, 2), pairs, pairs),
        words=words,
        characters=characters,
        query_features=features,
    )

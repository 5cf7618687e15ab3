"""Command that tells what a system costs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from img.commands.arguments import Commands
from img.config.base import check, read_yaml
from img.config.dataset import Dataset
from img.config.runs import RunOptions
from img.config.variants import Variant, resolve
from img.models.options import SystemOptions
from img.models.registry import DEFAULT
from img.models.sizes import Sizes

if TYPE_CHECKING:
    from img.runs.cost import Cost, Question

SIZES = Sizes({"visual": 1024, "audio": 2048}, words=1, word_width=300, characters=42)
"""What a system is built for where no dataset says otherwise: I3D, PANN, GloVe and the demo's characters."""


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    profile = commands.add_parser("profile", help="count a system's parameters and FLOPs, part by part")
    profile.add_argument("--dataset", type=Path, help="a dataset's file, for its model options")
    profile.add_argument("--system", help=f"a system (default: the dataset's, or {DEFAULT})")
    profile.add_argument("--preset", help="preset instead of the dataset's")
    profile.add_argument("--visual-width", type=_count, default=1024, help="Dv (default: I3D's 1024)")
    profile.add_argument("--audio-width", type=_count, default=2048, help="Da (default: PANN's 2048)")
    profile.add_argument(
        "--narrative-width", type=_count, default=300, help="width of narratives (default: GloVe's 300)"
    )
    profile.add_argument("--clips", type=_count, help="of the video (default: the most the system takes)")
    profile.add_argument("--words", type=_count, default=10, help="of the query (default: 10)")
    profile.add_argument(
        "--paper", type=Path, help="the paper's numbers, to be printed beside: its paper.yaml"
    )
    profile.add_argument("--json", action="store_true", help="print JSON instead of tables")
    profile.set_defaults(run=_profile)


def _profile(options: argparse.Namespace) -> None:
    from img.paper.measurements import printed_cost, sum_parts
    from img.paper.transcription import read_paper
    from img.runs.cost import COUNTED, Question, count_cost

    changes = {key: value for key, value in (("kind", options.system), ("preset", options.preset)) if value}
    model = _model_options(options.dataset, changes)
    question = Question(options.clips or model.max_clips, options.words)
    widths = {name: getattr(options, f"{name}_width") for name in ("visual", "audio", "narrative")}
    read = {name: width for name, width in widths.items() if name in model.needs().streams}
    sizes = replace(SIZES, streams=read)
    costs = count_cost(model, sizes, question)
    # Other systems have no such parts.
    sums = sum_parts(costs) if any(name.startswith("fusion.") for name in costs) else {}
    printed = printed_cost(read_paper(options.paper)) if options.paper else {}
    if options.json:
        print(json.dumps(_as_json(costs, sums, printed, sizes, question), indent=2, allow_nan=False))
        return
    described = " and ".join(f"{name} {width}" for name, width in sizes.streams.items())
    asked = f"{question.clips} clips, {question.words} words of up to {question.letters} letters"
    print(f"{described} wide, {asked}")
    print(_format_parts(costs), *([_format_sums(sums, printed)] if sums else []), COUNTED, sep="\n\n")


def _model_options(path: Path | None, changes: dict[str, Any]) -> SystemOptions:
    if path is None:
        values = {"model": changes, "training": {}, "selection_split": "test"}
        return check(RunOptions, values, "options").model
    dataset = check(Dataset, read_yaml(path), str(path))
    variant = Variant(description="", model=changes)
    return resolve({path.stem: dataset}, {"profile": variant}, path.stem, "profile").model


def _as_json(
    costs: Mapping[str, Cost],
    sums: Mapping[str, Cost],
    printed: Mapping[str, tuple[float, float]],
    sizes: Sizes,
    question: Question,
) -> dict[str, Any]:
    from img.runs.cost import COUNTED

    table = {name: asdict(cost) for name, cost in sums.items()}
    for name in table.keys() & printed.keys():
        million, giga = printed[name]
        table[name] |= {"paper_million_parameters": million, "paper_gflops": giga}
    return {
        "counted": COUNTED,
        "size": {**asdict(question), **asdict(sizes)},
        "parts": {name: asdict(cost) for name, cost in costs.items()},
        "table_12": table,
    }


def _format_parts(costs: Mapping[str, Cost]) -> str:
    lines = [f"{'part':<26}{'parameters':>12}{'MFLOPs':>12}"]
    lines += [f"{name:<26}{cost.parameters:>12,}{cost.flops / 1e6:>12.2f}" for name, cost in costs.items()]
    return "\n".join(lines)


def _format_sums(sums: Mapping[str, Cost], printed: Mapping[str, tuple[float, float]]) -> str:
    lines = [f"{'':<8}{'M parameters':>14}{'Table 12':>12}{'GFLOPs':>12}{'GMACs':>12}{'Table 12':>12}"]
    for name, cost in sums.items():
        million, giga = printed.get(name, (None, None))
        counts = [cost.parameters / 1e6, million, cost.flops / 1e9, cost.flops / 2e9, giga]
        lines.append(f"{name:<8}" + "".join(map(_cell, counts, (14, 12, 12, 12, 12))))
    return "\n".join(lines)


def _cell(count: float | None, width: int) -> str:
    return f"{'–':>{width}}" if count is None else f"{count:>#{width}.3g}"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)

"""Command that tells what a model costs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from img.commands.arguments import Commands
from img.config.base import check, read_yaml
from img.config.dataset import Dataset
from img.config.variants import Variant, resolve
from img.models.img.options import PRESETS, ImgOptions, require_img


def add_commands(commands: Commands) -> None:
    """Adds this module's commands."""
    profile = commands.add_parser("profile", help="count a model's parameters and FLOPs, part by part")
    profile.add_argument("--dataset", type=Path, help="a dataset's file, for its model options")
    profile.add_argument("--preset", choices=sorted(PRESETS), help="preset instead of the dataset's")
    profile.add_argument("--visual-width", type=_count, default=1024, help="Dv (default: I3D's 1024)")
    profile.add_argument("--audio-width", type=_count, default=2048, help="Da (default: PANN's 2048)")
    profile.add_argument("--clips", type=_count, help="of the video (default: the most the model takes)")
    profile.add_argument("--words", type=_count, default=10, help="of the query (default: 10)")
    profile.add_argument(
        "--paper", type=Path, help="the paper's numbers, to be printed beside: its paper.yaml"
    )
    profile.add_argument("--json", action="store_true", help="print JSON instead of tables")
    profile.set_defaults(run=_profile)


def _profile(options: argparse.Namespace) -> None:
    from img.models.img.cost import Size, as_json, count_cost, format_costs
    from img.paper.measurements import printed_cost
    from img.paper.transcription import read_paper

    model = _model_options(options.dataset, {"preset": options.preset} if options.preset else {})
    clips = options.clips or model.max_clips
    size = Size(options.visual_width, options.audio_width, clips, options.words)
    costs = count_cost(model, size)
    printed = printed_cost(read_paper(options.paper)) if options.paper else {}
    told = as_json(costs, size, printed) if options.json else format_costs(costs, size, printed)
    print(json.dumps(told, indent=2, allow_nan=False) if options.json else told)


def _model_options(path: Path | None, changes: dict[str, Any]) -> ImgOptions:
    if path is None:
        return check(ImgOptions, changes, "options")
    dataset = check(Dataset, read_yaml(path), str(path))
    variant = Variant(description="", model=changes)
    return require_img(resolve({path.stem: dataset}, {"profile": variant}, path.stem, "profile").model)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)

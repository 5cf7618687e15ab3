import json
from dataclasses import replace
from pathlib import Path

import pytest

from img.__main__ import main
from img.commands.cost import SIZES
from img.config.runs import RunOptions
from img.models.checkpoint import build_system, save_checkpoint
from img.models.img.options import ImgOptions
from img.models.sizes import Sizes
from img.paper.measurements import sum_parts
from img.runs.cost import Cost, Question, count_cost

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "config"
DEMO, PAPER = CONFIG / "datasets" / "demo.yaml", CONFIG / "papers" / "img" / "paper.yaml"
D, T, N = 128, 128, 10


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    return count_cost(ImgOptions.model_validate({"preset": "reference"}), SIZES, Question(T, N))


def gru(inputs: int, hidden: int) -> int:
    """Multiply-adds of one step of a bidirectional layer: three gates from the input and from the state."""
    return 2 * 3 * hidden * (inputs + hidden)


# Multiply-adds by hand, for two modalities where there are two.
POOL = 2 * T * D  # a score for each clip, the weighted sum
ATTENTION = 3 * T * D * D + 2 * T * T * D + T * D * D  # q, k, v; scores and sums; the last Linear
MULTIPLY_ADDS = {
    "visual_projection": T * 1024 * D,
    "audio_projection": T * 2048 * D,
    "self_attention": 2 * ATTENTION,
    # Two terms of the similarity, A, S_c^T C and S_r of it, the Linear of all four.
    "context_query": 2 * (T * N * D + T * D + T * N * D + 2 * T * N * D + T * 4 * D * D),
    "query_concatenation": 2 * (2 * N * D + T * 2 * D * D),
    "fusion.importance": 2 * POOL + 2 * D,
    "fusion.levels.local": 2 * (T * D * (1 + 3 + 5) + T * 3 * D * D),
    "fusion.levels.global": 2 * (POOL + T * 2 * D * D),
    "fusion.multi_scale": T * (3 * (gru(2 * D, D // 2) + 2 * gru(D, D // 2)) + gru(3 * D, D) + 2 * D * D),
    "saliency": 3 * T * D,
    # Twice through four separable convolutions and attention, then two heads.
    "predictor": 3 * (2 * (4 * (T * D * 7 + T * D * D) + ATTENTION) + 2 * (T * 2 * D * D + T * D)),
}


@pytest.mark.parametrize("part", MULTIPLY_ADDS)
def test_flops_are_two_for_each_multiply_add_counted_by_hand(costs: dict[str, Cost], part: str) -> None:
    assert costs[part].flops == 2 * MULTIPLY_ADDS[part]


def test_parts_add_up_to_the_whole(costs: dict[str, Cost]) -> None:
    parts = [cost for name, cost in costs.items() if name != "whole"]
    assert sum(cost.parameters for cost in parts) == costs["whole"].parameters
    assert sum(cost.flops for cost in parts) == costs["whole"].flops


def test_parameters_are_those_of_the_authors_model_with_its_alphabet() -> None:
    sizes = replace(SIZES, characters=40)
    costs = count_cost(ImgOptions.model_validate({"preset": "reference"}), sizes, Question())
    assert costs["whole"].parameters == 3_774_714
    assert costs["fusion.multi_scale"].parameters == 1_245_568
    assert costs["predictor"].parameters == 3 * 220_162


def test_the_papers_parts_are_those_of_table_12(costs: dict[str, Cost]) -> None:
    compared = sum_parts(costs)
    assert compared["AIP"].parameters == 513
    assert round(compared["MGF"].parameters / 1e6, 2) == 1.91
    # What the table calls FLOPs of MGF are multiply-adds at 128 clips.
    assert round(compared["MGF"].flops / 2e9, 2) == 0.20
    assert compared["IMG"] == costs["whole"]


def test_a_model_without_sound_has_neither_predictor_nor_fusion() -> None:
    costs = count_cost(ImgOptions.model_validate({"modalities": "visual"}), SIZES, Question())
    compared = sum_parts(costs)
    assert compared["AIP"] == compared["MGF"] == Cost(0, 0)
    assert costs["whole"].flops > 0


def test_emb_and_tea_are_counted_with_their_lstms(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for system in ("emb", "tea"):
        assert main(["profile", "--system", system, "--json"]) == 0
        found[system] = json.loads(capsys.readouterr().out)
    emb, tea = (found[system]["parts"] for system in ("emb", "tea"))
    assert found["emb"]["size"]["streams"] == {"visual": 1024}
    assert found["tea"]["size"]["streams"] == {"visual": 1024, "narrative": 300}
    # TEA's paragraph has blocks of its own; its merge and projection come on top.
    assert (emb["whole"]["parameters"], tea["whole"]["parameters"]) == (2_199_856, 3_604_019)
    assert tea["span"]["flops"] == 2 * emb["span"]["flops"]
    lstms = 2 * 2 * T * 4 * D * (D + D)
    joins = 2 * T * 2 * D * D
    heads = 2 * (T * 2 * D * D + T * D)
    context_query = T * N * D + T * D + T * N * D + 2 * T * N * D + T * 4 * D * D
    concatenation = 2 * N * D + T * 2 * D * D
    highlight = T * D
    by_hand = lstms + joins + heads + context_query + concatenation + highlight
    assert emb["span"]["flops"] == 2 * by_hand


def test_the_command_prints_tables_and_the_same_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "profile",
        "--preset",
        "reference",
        "--clips",
        str(T),
        "--words",
        str(N),
        "--paper",
        str(PAPER),
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    part = found["parts"]["fusion.multi_scale"]
    assert part == {"parameters": 1_245_568, "flops": 2 * MULTIPLY_ADDS["fusion.multi_scale"]}
    row = next(line for line in printed.splitlines() if line.startswith("fusion.multi_scale"))
    assert row.split() == ["fusion.multi_scale", "1,245,568", f"{part['flops'] / 1e6:.2f}"]
    assert found["counted"] in printed
    assert found["table_12"]["MGF"]["paper_gflops"] == 0.20
    assert found["table_12"]["AIP"]["paper_million_parameters"] == 5.12e-4


def test_without_the_papers_numbers_none_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--preset", "reference"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("MGF"))
    assert row.split() == ["MGF", "1.91", "–", "0.400", "0.200", "–"]


@pytest.mark.parametrize("query_width", [None, 7])
def test_table_12_is_that_of_the_model_as_its_dataset_made_it(
    tmp_path: Path, query_width: int | None
) -> None:
    words = (
        {"words": 3, "word_width": 5, "characters": 9}
        if query_width is None
        else dict.fromkeys(("words", "word_width", "characters"), 0)
    )
    sizes = Sizes({"visual": 24, "audio": 12}, query_width=query_width, **words)
    options = RunOptions.model_validate(
        {"model": {"width": 16, "heads": 2}, "training": {}, "selection_split": "test"}
    )
    model = build_system(options.model, sizes)
    save_checkpoint(tmp_path / "last.safetensors", model.state_dict(), options.model, sizes)
    out = tmp_path / "table12.json"
    command = ["count-cost", "--options", options.model_dump_json(), "--out", str(out)]
    assert main([*command, "--checkpoint", str(tmp_path / "last.safetensors")]) == 0
    trainable = sum(tensor.numel() for tensor in model.parameters() if tensor.requires_grad)
    assert json.loads(out.read_text())["img"]["parameters"]["measured"] == [trainable / 1e6]
    assert main(command) == 0
    assert json.loads(out.read_text())["img"]["parameters"]["measured"] != [trainable / 1e6]


def test_a_datasets_options_and_clips_are_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    text = DEMO.read_text().replace("inputs:\n", "model: {modalities: visual}\n\ninputs:\n  max_clips: 64\n")
    path.write_text(text)
    assert main(["profile", "--dataset", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["size"]["clips"] == 64
    assert "audio_projection" not in found["parts"]
    assert main(["profile", "--dataset", str(path), "--clips", "65"]) == 1
    assert "at most max_clips = 64" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_a_size_that_is_no_count_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["profile", "--clips", value])
    assert f"expected a whole number from 1, found '{value}'" in capsys.readouterr().err

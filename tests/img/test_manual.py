import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors.registry import KINDS, parse
from img.__main__ import main
from img.config import dataset, project, runs, variants
from img.config.base import check
from img.config.dataset import Dataset
from img.config.manual import HEADING, SET_ELSEWHERE, fill_in
from img.config.project import Configuration, check_together
from img.config.schemas import build_schemas
from img.config.variants import Variant, read_variants, resolve
from img.models.img.options import ImgOptions

PROJECT = Path(__file__).parents[2]
MANUAL = PROJECT / "config" / "README.md"


def examples(place: str) -> dict[str, Any]:
    """The manual's YAML blocks whose first line is a comment that begins with a place."""
    blocks = re.findall(r"^```yaml\n# ([^\n]*)\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    return {title: yaml.safe_load(text) for title, text in blocks if title.startswith(place)}


def datasets() -> dict[str, Dataset]:
    whole = {
        Path(title).stem: values
        for title, values in examples("config/datasets/").items()
        if title.endswith(".yaml")
    }
    return {name: check(Dataset, values, name) for name, values in whole.items()}


def row(key: str) -> str:
    return next(line for line in MANUAL.read_text().splitlines() if line.startswith(f"| `{key}` |"))


def test_the_manuals_tables_are_those_of_the_settings() -> None:
    written = MANUAL.read_text()
    assert written == fill_in(MANUAL, written), "run: python -m img manual --out config/README.md"


def test_the_command_rewrites_the_tables_and_keeps_what_stands_before_them(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"# Mine\n\n{HEADING}\nout of date\n")
    assert main(["manual", "--out", str(path)]) == 0
    beginning, _, tables = path.read_text().partition(HEADING)
    assert beginning == "# Mine\n\n"
    assert tables == MANUAL.read_text().partition(HEADING)[2]


def test_a_file_without_the_heading_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Notes\n")
    assert main(["manual", "--out", str(path)]) == 1
    assert f"{path}: expected a line `{HEADING}`" in capsys.readouterr().err
    assert path.read_text() == "# Notes\n"


def settings_classes() -> list[Any]:
    """Every class that a user's file is checked against, the model's options and the extractors' included."""
    schemas = build_schemas().values()
    names = {schema["title"] for schema in schemas if "title" in schema}
    names |= {name for schema in schemas for name in schema.get("$defs", {})}
    own = {
        found
        for module in (runs, dataset, variants, project)
        for name, found in vars(module).items()
        if name in names and found is not ImgOptions
    }
    return [
        *sorted(own, key=lambda found: found.__name__),
        ImgOptions,
        *(kind.parameters for kind in KINDS.values()),
    ]


@pytest.mark.parametrize("settings", settings_classes())
def test_every_key_of_every_settings_class_has_a_row_with_its_meaning(settings: Any) -> None:
    for key, field in settings.model_fields.items():
        if settings is ImgOptions and key in SET_ELSEWHERE:
            continue
        meaning = " ".join((field.description or field.annotation.__doc__).split())
        rows = [line for line in MANUAL.read_text().splitlines() if line.startswith(f"| `{key}` |")]
        assert any(line.endswith(f"| {meaning} |") for line in rows), key


def test_the_settings_classes_are_found() -> None:
    names = {settings.__name__ for settings in settings_classes()}
    assert {"Annotations", "QueryOptions", "InputOptions", "Dataset", "Configuration", "VariantGrid"} < names
    assert {"ImgOptions", "LocalResource", "I3DParameters", "VggishParameters"} < names


def test_a_row_says_type_default_presets_and_meaning() -> None:
    assert row("learning_rate") == (
        "| `learning_rate` | number above 0 to 10 | `0.0005` | "
        "AdamW's at its highest; `schedule` lowers it. |"
    )
    assert row("position").startswith(
        "| `position` | `time` or `batch` | `time` | `batch` | What the encoders'"
    )
    assert row("shrink").startswith("| `shrink` | true or false | `true` | `false` | `true` | Scale larger")
    assert row("seeds").startswith("| `seeds` | list (whole number from 0 to 4294967295) | `[0, 1, 2]` |")
    assert row("streams").startswith("| `streams` | mapping | required |")
    assert row("align").startswith(
        "| `align` | `seconds` or `share` or `nearest` or `whole_seconds` | `seconds` |"
    )
    assert row("extractors").startswith("| `extractors` | ")


@pytest.mark.parametrize("key", SET_ELSEWHERE)
def test_a_model_option_left_out_is_one_that_a_dataset_may_not_give(key: str) -> None:
    values = {**datasets()["mine"].model_dump(mode="json"), "model": {key: 64}}
    for settings, given in ((Dataset, values), (Variant, {"description": "", "model": {key: 64}})):
        with pytest.raises(ValueError, match=f"model.{key}: set {SET_ELSEWHERE[key]} instead"):
            check(settings, given, "mine")


def example_variants(folder: Path) -> dict[str, Variant]:
    (values,) = examples("config/papers/img/variants.yaml").values()
    (folder / "variants.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return read_variants(folder / "variants.yaml")


def test_the_example_datasets_and_variants_are_valid_together(tmp_path: Path) -> None:
    variants = example_variants(tmp_path)
    assert {"img", "margin_0.1_of_50", "margin_0.4_of_100"} < set(variants)
    assert set(datasets()) == {"mine"}
    check_together(Configuration(), datasets(), variants)
    for name in datasets():
        for variant in variants:
            resolve(datasets(), variants, name, variant)


def test_the_examples_of_variants_that_the_project_has_are_its_own(tmp_path: Path) -> None:
    values = example_variants(tmp_path)
    own = read_variants(PROJECT / "config" / "papers" / "img" / "variants.yaml")
    shared = values.keys() & own.keys()
    assert "img" in shared
    for name in shared:
        assert values[name] == own[name]


def test_the_example_extractors_are_valid() -> None:
    (values,) = examples("config/datasets/charades.yaml, beside").values()
    for settings in values["extractors"].values():
        kind, parameters = parse(settings)
        assert (kind.name, parameters.frame_rate) == ("i3d", 24)  # type: ignore[attr-defined]


def test_the_manual_tells_where_the_weights_of_every_kind_come_from() -> None:
    section = MANUAL.read_text().partition("## Weights")[2].partition("\n## ")[0]
    assert all(f"| `{kind.name}` |" in section for kind in KINDS.values() if kind.network)

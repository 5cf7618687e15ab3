"""Configuration files with one fault each: refused with the file and the key or line, or read right."""

import codecs
import copy
import random
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractors.registry import KINDS
from extractors.settings import parse_yaml
from img.config.base import check, read_yaml
from img.config.dataset import Dataset, InputOptions, PaperOptions, QueryOptions, read_datasets
from img.config.project import Configuration, check_together
from img.config.runs import InferenceOptions, TrainingOptions
from img.config.variants import Variant, read_variants
from img.models.img.options import ImgOptions
from img.paper.folders import read_papers
from img.paper.recipes import TimelineRecipe
from img.paper.requests import check_requests
from img.resources.listing import Resource

PROJECT = Path(__file__).parents[2]
DEMO = (PROJECT / "config" / "datasets" / "demo.yaml").read_text()
PAPERS, _ = read_papers([PROJECT / "config" / "papers"])
PAPER = PAPERS["img"].paper

CLASSES: list[type[BaseModel]] = [
    *(Configuration, Dataset, PaperOptions, QueryOptions, InputOptions, TrainingOptions, InferenceOptions),
    *(ImgOptions, TimelineRecipe, Resource),
    *(kind.parameters for kind in KINDS.values()),
]

# Tables are checked against the paper's.
UNBOUNDED = {"tables"}


def number_types(annotation: Any) -> set[type]:
    """The types of numbers that an annotation is of or holds."""
    if annotation in (int, float):
        return {annotation}
    return {found for part in typing.get_args(annotation) for found in number_types(part)}


def numeric_fields() -> Iterator[tuple[type[BaseModel], str, FieldInfo]]:
    for settings in CLASSES:
        for name, field in settings.model_fields.items():
            if number_types(field.annotation):
                yield settings, name, field


def constraints(annotation: Any, metadata: list[Any]) -> list[Any]:
    inner = [
        found
        for part in typing.get_args(annotation)
        for found in [part, *constraints(part, list(getattr(part, "__metadata__", [])))]
    ]
    flat = [*metadata, *inner]
    return flat + [found for part in flat for found in getattr(part, "metadata", [])]


@pytest.mark.parametrize(
    ("settings", "name", "field"),
    [pytest.param(*found, id=f"{found[0].__name__}.{found[1]}") for found in numeric_fields()],
)
def test_every_number_has_bounds_and_refuses_by_its_key_what_lies_beyond(
    settings: type[BaseModel], name: str, field: FieldInfo
) -> None:
    if name not in UNBOUNDED:
        found = {type(part) for part in constraints(field.annotation, field.metadata)}
        assert found & {Ge, Gt}, "no lower bound"
        assert found & {Le, Lt}, "no upper bound"
    is_list = typing.get_origin(field.annotation) is list
    for absurd in (float("inf"), float("-inf"), float("nan"), 1e300, 10**30, -1e300, True, "12", "many", {}):
        if name in UNBOUNDED and absurd == 10**30:
            continue
        with pytest.raises(ValueError, match=name):
            check(settings, {name: [absurd] if is_list else absurd}, "x")


def test_whole_numbers_stay_whole_and_numbers_may_be_whole() -> None:
    with pytest.raises(ValueError, match=r"epochs: .*, found 3\.0"):
        check(TrainingOptions, {"epochs": 3.0}, "x")
    assert check(TrainingOptions, {"learning_rate": 1}, "x").learning_rate == 1.0


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "+1e-4", "1.e-4", "0.0001", "1.0e-4"])
def test_a_number_with_an_exponent_is_a_number(text: str) -> None:
    assert check(TrainingOptions, parse_yaml(f"learning_rate: {text}", "x"), "x").learning_rate == 1e-4


def changed(path: str, value: Any) -> Dataset:
    values = copy.deepcopy(yaml.safe_load(DEMO))
    *parents, last = path.split(".")
    place = values
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return check(Dataset, values, "config/datasets/demo.yaml")


def check_all(dataset: Dataset, configuration: Configuration | None = None) -> None:
    variants = {name: Variant(description="") for name in dataset.variants}
    check_together(configuration or Configuration(), {"demo": dataset}, variants)
    check_requests({"demo": dataset}, PAPERS)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("extractors.i3d.frame_rate", float("inf"), "extractors.i3d.frame_rate: "),
        ("extractors.i3d.frame_rate", 1e300, "extractors.i3d.frame_rate: "),
        ("extractors.i3d.crop", 1_000_000, "extractors.i3d.crop: "),
        ("extractors.i3d.seed", 1e30, "extractors.i3d.seed: "),
        ("extractors.pann.hop_seconds", 1e-300, "extractors.pann.hop_seconds: "),
        ("seeds", [0, 1e30], "seeds.1: "),
        ("seeds", [True], "seeds.0: "),
        ("training.learning_rate", 1e300, "training.learning_rate: "),
        ("model.temperature", 1e-300, "model.temperature: "),
        ("paper.tables", [16, 99], "paper.tables: expected some of"),
        ("paper.tables", [16, 16], "tables: expected each once"),
        ("paper.figures", ["figure99"], "paper.figures: expected some of"),
        ("paper.paper", "quagg", "paper.paper: expected some of ['img', 'tea'], found 'quagg'"),
        ("paper.stands_for", "hirest", "paper.stands_for: expected some of ['activitynet', 'charades']"),
        ("paper.splits", {"exam": "test"}, "paper.splits: expected some of ['audiomatter', 'test']"),
        ("paper.splits", {"test": "exam"}, "paper.splits.test: expected some of"),
        (
            "paper.splits",
            {"test": "test"},
            "['audiomatter'] in paper.splits, which table 7",
        ),
        *(
            (
                "paper",
                {"stands_for": "activitynet", "splits": {"test": "test"}, "tables": [number]},
                "paper.tables: expected what shows activitynet, which the dataset stands for, "
                f"found table {number}, which shows charades",
            )
            for number in (8, 12, 16)
        ),
        (
            "paper",
            {"stands_for": "activitynet", "splits": {"test": "test"}, "figures": ["figure9"]},
            "paper.figures: expected what shows activitynet, which the dataset stands for, found figure9",
        ),
        (
            "paper",
            {"stands_for": "charades", "splits": {"test": "test"}, "tables": [8]},
            "paper.tables: expected the splits ['audiomatter', 'test'] in paper.splits, which table 8",
        ),
        (
            "annotations",
            {"format": "activitynet_captions", "splits": {"train": "a", "test": "b"}, "durations": "c"},
            "durations: expected nothing where format is activitynet_captions",
        ),
    ],
)
def test_an_absurd_value_is_refused_by_its_key(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|Input") as error:
        check_all(changed(path, value))
    assert message in str(error.value)


def test_what_a_dataset_wants_of_the_data_it_stands_for_is_let_through() -> None:
    check_all(
        changed(
            "paper",
            {
                "stands_for": "activitynet",
                "splits": {"test": "test"},
                "tables": [4, 5, 9],
                "figures": ["figure10"],
            },
        )
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("videos", "file"),
        ("annotations.durations", "folder"),
        ("annotations.splits.train", "folder"),
        ("queries.embedding", "folder"),
        ("extractors.i3d.weights", "folder"),
    ],
)
def test_a_file_for_a_folder_and_a_folder_for_a_file_are_refused_by_their_key(
    tmp_path: Path, path: str, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.touch()
    else:
        place.mkdir()
    with pytest.raises(ValueError, match=rf"demo\.yaml: {path}: expected a .*, found a {kind} at .*place"):
        check_all(changed(path, str(place)))


def test_a_store_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(ValueError, match=r"config\.yaml: store: expected a folder, found a file"):
        check_all(changed("shards", 1), Configuration(store=tmp_path / "store"))


KEYS = [
    number
    for number, line in enumerate(DEMO.splitlines())
    if ":" in line and not line.lstrip().startswith("#")
]


@pytest.mark.parametrize("seed", range(12))
def test_a_key_given_twice_is_refused_with_its_line(tmp_path: Path, seed: int) -> None:
    lines = DEMO.splitlines()
    place = random.Random(seed).choice(KEYS)
    key = lines[place].split(":")[0]
    lines.insert(place, f"{key}: 0")
    path = tmp_path / "demo.yaml"
    path.write_text("\n".join(lines))
    expected = (
        rf"demo\.yaml, line {place + 2}: .*found '{key.strip()}' again, first given in line {place + 1}"
    )
    with pytest.raises(ValueError, match=expected):
        read_datasets(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: {b: 1, b: 2}", 1),
        ("a: 1\n'a': 2", 2),
        ("1: a\n0x1: b", 2),
        ("a:\n- b: 1\n  c: 2\n  b: 3", 4),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x", 4),
    ],
)
def test_keys_that_are_the_same_are_found_wherever_they_are(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=rf"^file, line {line}: .* again"):
        parse_yaml(text, "file")


def test_a_key_beside_a_merged_one_overrides_it() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {<<: *x, a: 3}\nz: {<<: *y, b: 4}"
    assert parse_yaml(text, "x")["z"] == {"a": 3, "b": 4}


@pytest.mark.parametrize(
    "content",
    [
        b"\ta: 1",
        b"a: [1",
        b"a: }",
        b"a: 'b",
        b"a: b: c",
        b"a: *nobody",
        b"a: !!python/object:os.system {}",
        b"a: 2020-99-99",
        b"a: " + b"9" * 5000,
        b"? [a]\n: b",
        b"a\x00b: 1",
        b"a: \x80",
        b"[" * 20_000,
        b"--- a\n--- b",
        "a: 1".encode("utf-16"),
    ],
    ids=str,
)
def test_a_file_that_is_no_yaml_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"demo\.yaml(, line \d+)?: expected YAML"):
        read_datasets(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "text", "3", "null", "- a: 1"])
def test_yaml_that_is_no_mapping_is_refused_with_its_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"demo\.yaml:\n.*expected keys with values"):
        read_datasets(tmp_path)


@pytest.mark.parametrize(
    "write",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: f"---\n{text}...\n".encode(),
    ],
    ids=["byte order mark", "CRLF", "document"],
)
def test_what_other_editors_write_is_read_right(tmp_path: Path, write: Callable[[str], bytes]) -> None:
    (tmp_path / "demo.yaml").write_bytes(write(DEMO))
    assert read_datasets(tmp_path) == {"demo": check(Dataset, yaml.safe_load(DEMO), "demo")}


@pytest.mark.parametrize(
    "name", ["x.yml", "x.YAML", "a b.yaml", "store.yaml", "tables.yaml", f"{'x' * 101}.yaml"]
)
def test_a_file_that_would_not_be_read_or_named_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(DEMO)
    with pytest.raises(ValueError, match=f"{name}: expected a (file )?name"):
        read_datasets(tmp_path)


def test_a_folder_called_like_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(ValueError, match=r"x\.yaml: expected a YAML file, found a folder"):
        read_yaml(tmp_path / "x.yaml")


def variants_of(folder: Path, text: str) -> dict[str, Variant]:
    (folder / "variants.yaml").write_text(text)
    return read_variants(folder / "variants.yaml")


def test_a_grid_makes_a_variant_for_each_combination(tmp_path: Path) -> None:
    variants = variants_of(
        tmp_path,
        "s_{model.slots}_of_{training.fraction}:\n"
        "  description: '{model.slots} slots, {training.fraction} %'\n"
        "  model: {levels: [event]}\n"
        "  grid: {model.slots: [2, 3], training.fraction: {70: 0.7, all: 1}}\n",
    )
    assert variants == {
        f"s_{slots}_of_{label}": Variant(
            description=f"{slots} slots, {label} %",
            model={"levels": ["event"], "slots": slots},
            training={"fraction": fraction},
        )
        for slots in (2, 3)
        for label, fraction in (("70", 0.7), ("all", 1))
    }


def test_a_grids_values_may_be_lists_with_labels(tmp_path: Path) -> None:
    text = "'{model.levels}': {description: x, grid: {model.levels: {local: [local], both: [local, event]}}}"
    assert variants_of(tmp_path, text)["both"].model == {"levels": ["local", "event"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {description: x, grid: {model.slots: [2, 3]}}", "expected names of their own, found 'a' again"),
        ("'a{model.gamma}': {description: x, grid: {model.slots: [2]}}", r"found '\{model\.gamma\}'"),
        ("'a{model.slots}': {description: '{b}', grid: {model.slots: [2]}}", r"found '\{b\}'"),
        ("'a{model.slots}': {description: x, grid: {model.slots: []}}", "expected values with labels"),
        ("'a{model.slots}': {description: x, grid: {model.slots: [2, 2]}}", "expected values with labels"),
        ("'a{slots}': {description: x, grid: {slots: [2]}}", "expected model.OPTION or .*, found 'slots'"),
        (
            "'a{model.slots}': {description: x, model: {slots: 3}, grid: {model.slots: [2]}}",
            "found it under model too",
        ),
        ("'a{model.slots}': {description: x}", "expected a name of letters"),
        (
            "'a{model.levels}': {description: x, grid: {model.levels: [[local]]}}",
            "expected a name of letters",
        ),
        ("a b: {description: x}", "expected a name of letters"),
        ("img: {description: x}\nimg: {description: y}", "found 'img' again, first given in line 1"),
        ("'a{model.slots}': {description: x, grid: {model.slots: [2]}}\na2: {description: y}", "'a2' again"),
    ],
)
def test_a_faulty_grid_is_refused_with_the_file_and_the_entry(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        variants_of(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "variants.yaml"))


def test_a_huge_value_is_shown_in_part(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="epochs") as error:
        check(TrainingOptions, {"epochs": ["x" * 1000] * 1000}, "x")
    assert len(str(error.value)) < 3000

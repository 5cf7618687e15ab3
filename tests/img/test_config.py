import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors import registry
from img.config.base import check, read_yaml, to_json
from img.config.dataset import Dataset, InputOptions, QueryOptions, read_datasets
from img.config.project import Configuration, check_together
from img.config.runs import InferenceOptions, RunOptions
from img.config.variants import Variant, read_variants, resolve, resolve_inference
from img.paper.folders import read_papers

PROJECT = Path(__file__).parents[2]
DATASET: dict[str, Any] = {
    "annotations": {
        "format": "activitynet_captions",
        "splits": {"train": "a/train.json", "test": "a/val.json"},
    },
    "videos": "videos",
    "streams": {"visual": "sight", "audio": "sound"},
    "extractors": {
        "sight": {"kind": "i3d", "preset": "charades", "weights": "random"},
        "sound": {"kind": "pann", "weights": "random"},
    },
    "training": {"epochs": 7},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The dataset's settings with one other value; the path is of keys joined by dots."""
    values = copy.deepcopy(DATASET)
    *parents, last = path.split(".")
    place = values
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return values


def test_settings_left_out_have_their_defaults() -> None:
    dataset = check(Dataset, DATASET, "demo")
    assert dataset.queries == QueryOptions(embedding="random", embedding_width=300, max_words=128)
    assert dataset.inputs == InputOptions(max_clips=128, standardise=False)
    assert (dataset.training.epochs, dataset.training.batch_size, dataset.seeds) == (7, 16, [0, 1, 2])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("colour", "red", "colour: unknown key, found 'red'; expected one of: annotations, "),
        (
            "training.epoch",
            3,
            r"training.epoch: unknown key, found 3; did you mean 'epochs'\? expected one of: batch_size, ",
        ),
        ("training.epochs", "many", "training.epochs: expected a whole number, found 'many'"),
        ("training.epochs", 0, "training.epochs: expected at least 1, found 0"),
        ("inputs.standardise", "perhaps", "inputs.standardise: expected true or false, found 'perhaps'"),
        ("queries.embedding", 5, "queries.embedding"),
        ("seeds", [], "seeds: "),
        ("seeds", [1, 1], r"seeds: expected different numbers, found \[1, 1\]"),
        ("shards", 0, "shards: "),
        ("variants", ["a b"], r"variants\.0: "),
        ("annotations.format", "xlsx", "annotations.format: "),
        ("annotations.format", "charades_sta", "durations: needed where format is charades_sta"),
        ("annotations.splits", {"test": "a"}, r"splits: expected a split called train, found \['test'\]"),
        ("selection_split", "val", r"selection_split: expected one of \['test', 'train'\], found 'val'"),
        (
            "further_selection_splits",
            ["test"],
            r"further_selection_splits: expected different ones of \['train'\]",
        ),
        ("further_selection_splits", ["val"], r"further_selection_splits: .*, found \['val'\]"),
        ("streams.visual", "eyes", r"streams\.visual: expected one of \['sight', 'sound'\], found 'eyes'"),
        ("streams.visual", ["sight", "eyes"], r"streams\.visual: expected one of .*, found 'eyes'"),
        ("streams.visual", ["sight", "sight"], r"streams\.visual: extractors: expected each once"),
        ("streams.visual", [], r"streams\.visual\.extractors: expected at least 1 of them, found "),
        ("streams.visual", "sound", r"streams\.visual: 'sound' is of kind pann, which reads audio"),
        ("streams.audio", "sight", r"streams\.audio: 'sight' is of kind i3d, which reads visual"),
        (
            "streams",
            {"audio": "sound", "visual": "sight"},
            "streams: expected another stream than audio first, .*, found audio, visual",
        ),
        ("streams", {}, "streams: expected at least 1 of them, found {}"),
        ("streams.seconds", "sight", r"streams\.seconds.*: expected a name that is no other column"),
        ("streams.test_queries", "sight", r"streams\.test_queries.*: expected a name that is no other"),
        ("streams.Visual", "sight", r"streams\.Visual.*: expected text that matches"),
        (
            "streams.visual",
            {"extractors": "sight", "align": "share"},
            r"streams\.visual\.align: expected it of streams after the first, found share",
        ),
        (
            "streams.audio",
            {"extractors": "sound", "align": "clips"},
            r"audio\.align: expected 'seconds', 'share', 'nearest' or 'whole_seconds', found 'clips'",
        ),
        (
            "streams.audio",
            {"extractors": "sound", "merge": "bring_to_last"},
            r"streams\.audio: merge: expected several extractors for bring_to_last, found one",
        ),
        ("visual", "sight", "streams: expected `streams: {visual: sight}`, found the older spelling"),
        ("extractors.sight.kind", "i4d", r"extractors\.sight: kind: expected one of .*, found 'i4d'"),
        ("extractors.sight.preset", "ucf", r"extractors\.sight: preset: expected one of .*, found 'ucf'"),
        (
            "extractors.sight.windows",
            3,
            r"extractors\.sight\.windows: unknown key, found 3; did you mean 'window'\?",
        ),
        (
            "extractors.sight.window",
            "long",
            r"extractors\.sight\.window: expected a whole number, found 'long'",
        ),
        (
            "extractors.sight.crop",
            300,
            r"extractors\.sight: crop: expected at most shorter_side = 226, found 300",
        ),
        (
            "extractors.sound",
            {"kind": "pann"},
            r"extractors\.sound\.weights: missing; expected: Path of the weights file, or `random`",
        ),
        ("extractors.sound.hop_seconds", 0, r"extractors\.sound\.hop_seconds: "),
    ],
)
def test_a_wrong_setting_is_refused_with_the_file_and_the_key(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        check(Dataset, changed(path, value), "config/datasets/x.yaml")
    assert str(error.value).startswith("config/datasets/x.yaml:\n")


def test_the_older_spelling_of_streams_is_refused_with_the_new_one() -> None:
    values = {key: value for key, value in DATASET.items() if key != "streams"}
    with pytest.raises(ValueError, match=r"expected `streams: \{visual: sight, audio: sound\}`"):
        check(Dataset, {**values, "visual": "sight", "audio": "sound"}, "x")


def test_a_stream_is_of_one_extractor_or_of_several_by_rules_of_its_own() -> None:
    values = changed("streams.sound_too", {"extractors": "sound", "align": "share"})
    values["extractors"]["clip"] = {"kind": "i3d_r50", "weights": "random"}
    values["streams"]["visual"] = {"extractors": ["sight", "clip"], "merge": "bring_to_last"}
    values["streams"] |= {"both": ["clip", "sound"]}
    dataset = check(Dataset, values, "x")
    rules = {
        name: (stream.extractors, stream.align, stream.merge, stream.normalise)
        for name, stream in dataset.streams.items()
    }
    assert rules == {
        "visual": (("sight", "clip"), "seconds", "bring_to_last", "none"),
        "audio": (("sound",), "seconds", "cut_to_shortest", "none"),
        "sound_too": (("sound",), "share", "cut_to_shortest", "none"),
        "both": (("clip", "sound"), "seconds", "cut_to_shortest", "none"),
    }
    assert dataset.inputs_label == "sight,clip+sound+sound+clip,sound"
    assert dataset.chosen_extractors == ["sight", "clip", "sound"]


def test_which_stream_leads_survives_the_command_line() -> None:
    # Sorted keys would put the sound first.
    dataset = check(Dataset, DATASET, "x")
    again = check(Dataset, json.loads(to_json(dataset)), "again")
    assert list(again.streams.items()) == list(dataset.streams.items())
    assert list(again.streams) == ["visual", "audio"]


def test_a_dataset_without_a_stream_that_a_system_reads_is_refused_by_the_keys_name() -> None:
    seen = check(Dataset, changed("streams", {"visual": "sight"}), "mine")
    variants = {
        "img": Variant(description=""),
        "seen": Variant(description="", model={"modalities": "visual"}),
        "mute": Variant(description="", model={"modalities": "visual"}, training={"sound": False}),
    }
    message = (
        r"config/datasets/mine\.yaml: streams: expected audio, which system img of variant img reads, "
        "found visual"
    )
    with pytest.raises(ValueError, match=message):
        check_together(Configuration(), {"mine": seen}, variants)
    with pytest.raises(ValueError, match=message):
        resolve({"mine": seen}, variants, "mine", "img")
    with pytest.raises(ValueError, match=r"expected audio after the first, which variant mute leaves out"):
        resolve({"mine": seen}, variants, "mine", "mute")
    # A variant that the dataset does not name may read what it lacks.
    check_together(Configuration(), {"mine": seen.model_copy(update={"variants": ["seen"]})}, variants)


def test_every_wrong_key_is_named_at_once() -> None:
    values = changed("training", {"epochs": 0, "batch_size": 0})
    with pytest.raises(ValueError, match="epochs") as error:
        check(Dataset, values, "x")
    assert "training.batch_size" in str(error.value)


def test_i3d_presets_are_the_published_recipes() -> None:
    _, charades = registry.parse({"kind": "i3d", "preset": "charades", "weights": "w.pt"})
    _, activitynet = registry.parse({"kind": "i3d", "preset": "activitynet", "weights": "w.pt"})
    names = ("frame_rate", "window", "stride", "shorter_side", "shrink", "crop")
    assert [getattr(charades, name) for name in names] == [24, 24, 24, 226, False, 224]
    assert [getattr(activitynet, name) for name in names] == [None, 16, 16, 224, True, 224]


def test_a_given_value_goes_before_the_presets() -> None:
    settings = {"kind": "i3d", "preset": "charades", "weights": "random", "window": 32}
    _, parameters = registry.parse(settings)
    assert (parameters.window, parameters.stride) == (32, 24)  # type: ignore[attr-defined]
    assert settings["kind"] == "i3d"


def test_random_is_no_path() -> None:
    assert QueryOptions.model_validate({"embedding": "random"}).embedding == "random"
    assert QueryOptions.model_validate({"embedding": "glove.txt"}).embedding == Path("glove.txt")


def test_a_variant_changes_the_datasets_options() -> None:
    dataset = check(Dataset, changed("model", {"preset": "reference", "gamma": 2.0}), "demo")
    variant = Variant(description="", model={"gamma": 4.0}, training={"sound": False})
    options = resolve({"demo": dataset}, {"quiet": variant}, "demo", "quiet")
    assert (options.model.gamma, options.model.preset, options.model.importance_layers) == (
        4.0,
        "reference",
        1,
    )
    assert (options.training.epochs, options.training.sound) == (7, False)
    assert options.selection_split == "test"


def test_without_a_test_split_the_only_other_one_chooses() -> None:
    values = changed("annotations.splits", {"train": "a/train.json", "val": "a/val.json"})
    dataset = check(Dataset, values, "mine")
    options = resolve({"mine": dataset}, {"img": Variant(description="")}, "mine", "img")
    assert (dataset.selection_splits, options.selection_splits) == (["val"], ["val"])
    values["annotations"]["splits"]["val_2"] = "a/val_2.json"
    with pytest.raises(ValueError, match=r"selection_split: expected one of \['train', 'val', 'val_2'\]"):
        check(Dataset, values, "mine")


def test_further_selection_splits_belong_to_a_runs_options() -> None:
    values = changed("further_selection_splits", ["loud"])
    values["annotations"]["splits"]["loud"] = "a/loud.json"
    dataset = check(Dataset, values, "mine")
    options = resolve({"mine": dataset}, {"img": Variant(description="")}, "mine", "img")
    assert (options.selection_split, options.selection_splits) == ("test", ["test", "loud"])


def test_the_model_takes_its_lengths_from_the_inputs_and_queries() -> None:
    values = {**changed("inputs.max_clips", 64), "queries": {"max_words": 20}}
    dataset = check(Dataset, values, "demo")
    options = resolve({"demo": dataset}, {"img": Variant(description="")}, "demo", "img")
    assert (options.model.max_clips, options.model.max_words) == (64, 20)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"model": {"slot": 3}}, r"model\.slot: unknown key, found 3; did you mean 'slots'\?"),
        ({"model": {"width": 20}}, "model: width 20 must be a multiple of twice the heads"),
        ({"training": {"learning_rate": -1}}, r"training\.learning_rate: "),
        ({"training": {"epoch": 1}}, r"training\.epoch: unknown key"),
    ],
)
def test_a_variants_wrong_option_is_refused_with_its_name(variant: dict[str, Any], message: str) -> None:
    datasets = {"demo": check(Dataset, DATASET, "demo")}
    with pytest.raises(ValueError, match=message) as error:
        resolve(datasets, {"odd": check(Variant, {"description": "odd", **variant}, "odd")}, "demo", "odd")
    # What a model's option is a change of, only a dataset says.
    source = "dataset demo with variant odd" if "model" in variant else "odd"
    assert str(error.value).startswith(f"{source}:\n")


def test_inference_is_the_datasets_with_the_variants_changes_and_no_part_of_a_run() -> None:
    dataset = check(Dataset, changed("inference", {"answers": 3, "nms_threshold": 0.4}), "demo")
    variants = {
        "img": Variant(description=""),
        "quiet": Variant(description="", inference={"importance": 0, "nms_threshold": 1}),
    }
    datasets = {"demo": dataset}
    assert resolve_inference(datasets, variants, "demo", "img") == InferenceOptions(
        answers=3, nms_threshold=0.4, importance=None, noisy_audio_share=0
    )
    assert resolve_inference(datasets, variants, "demo", "quiet") == InferenceOptions(
        answers=3, nms_threshold=1, importance=0, noisy_audio_share=0
    )
    # So both train, or restore, the same run.
    assert resolve(datasets, variants, "demo", "quiet") == resolve(datasets, variants, "demo", "img")


@pytest.mark.parametrize(
    ("key", "value"),
    [("answers", 0), ("nms_threshold", 1.5), ("importance", -0.1), ("noisy_audio_share", 2), ("answer", 1)],
)
def test_a_wrong_inference_option_is_refused_in_datasets_and_variants(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"inference\.{key}: "):
        check(Dataset, changed("inference", {key: value}), "demo")
    with pytest.raises(ValueError, match=rf"odd:\ninference\.{key}: "):
        check(Variant, {"description": "", "inference": {key: value}}, "odd")


def test_an_unknown_variant_or_dataset_is_refused_with_the_file() -> None:
    datasets = {"demo": check(Dataset, changed("variants", ["img", "other"]), "demo")}
    variants = {"img": Variant(description="")}
    with pytest.raises(ValueError, match=r"config/datasets/demo\.yaml: variants: .*\['img'\], found 'other'"):
        check_together(Configuration(), datasets, variants)
    with pytest.raises(ValueError, match=r"config/config\.yaml: datasets: .*\['demo'\], found 'mini'"):
        check_together(Configuration(datasets=["mini"]), datasets, variants)


def test_a_datasets_own_wrong_model_option_is_refused() -> None:
    with pytest.raises(ValueError, match=r"demo:\nmodel\.head: unknown key, found 2; did you mean 'heads'"):
        check(Dataset, changed("model", {"head": 2}), "demo")


def test_settings_survive_the_command_line() -> None:
    dataset = check(Dataset, DATASET, "demo")
    options = resolve({"demo": dataset}, {"img": Variant(description="")}, "demo", "img")
    assert check(RunOptions, json.loads(to_json(options)), "options") == options
    assert json.loads(to_json(dataset.queries))["embedding"] == "random"


def test_the_projects_own_files_are_valid() -> None:
    config = PROJECT / "config"
    configuration = check(Configuration, read_yaml(config / "config.yaml"), "config.yaml")
    datasets = read_datasets(config / "datasets")
    assert set(datasets) == {path.stem for path in (config / "datasets").glob("*.yaml")}
    assert "demo" in datasets
    check_together(configuration, datasets, read_papers([config / "papers"])[1])


def test_the_files_name_what_is_wrong_with_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: expected a YAML file, found nothing"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match=r"bad\.yaml, line 1: expected YAML"):
        read_yaml(tmp_path / "bad.yaml")
    (tmp_path / "variants.yaml").write_text("- img")
    with pytest.raises(ValueError, match=r"variants\.yaml: expected a mapping of variants, found list"):
        read_variants(tmp_path / "variants.yaml")
    (tmp_path / "variants.yaml").write_text("img: {descripton: typo}")
    with pytest.raises(ValueError, match=r"variants\.yaml: img:\n(.*\n)?descripton: unknown key"):
        read_variants(tmp_path / "variants.yaml")


def test_a_dataset_is_named_after_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(DATASET, sort_keys=False))
    assert read_datasets(tmp_path) == {"mine": check(Dataset, DATASET, "mine")}


def test_an_extractors_name_may_stand_for_another_modality_in_each_dataset() -> None:
    other = changed(
        "extractors", {"sound": DATASET["extractors"]["sight"], "s": DATASET["extractors"]["sound"]}
    )
    other |= {"streams": {"visual": "sound", "audio": "s"}}
    datasets = {"one": check(Dataset, DATASET, "one"), "two": check(Dataset, other, "two")}
    variants = {"img": Variant(description="as it is")}
    check_together(Configuration(), datasets, variants)


@pytest.mark.parametrize(
    ("path", "value", "key"), [("seeds", [-1], "seeds"), ("variants", ["img", "img"], "variants")]
)
def test_seeds_and_variants_are_checked_before_they_are_run(path: str, value: Any, key: str) -> None:
    with pytest.raises(ValueError, match=key):
        check(Dataset, changed(path, value), "demo")


IMPORTED: dict[str, Any] = {
    "features": "imported",
    "videos": None,
    "imported": {
        "sight": {"arrays": ["clip", "slowfast"], "width": 2816},
        "sound": {"arrays": "VGGish.pickle", "width": 128, "divisor": 255},
        "other": {"arrays": "elsewhere", "width": 1},
    },
}


def test_imported_arrays_take_the_place_of_the_extractors() -> None:
    dataset = check(Dataset, DATASET | IMPORTED, "x")
    kinds = {name: (found.kind, found.parameters) for name, found in dataset.extractors.items()}
    assert {
        name: (kind.name, kind.modality, parameters.scale) for name, (kind, parameters) in kinds.items()
    } == {
        "sight": ("imported", "visual", 1.0),
        "sound": ("imported", "audio", 1 / 255),
    }
    paths = {name: parameters.paths for name, (_, parameters) in kinds.items()}  # type: ignore[attr-defined]
    assert paths == {"sight": (Path("clip"), Path("slowfast")), "sound": (Path("VGGish.pickle"),)}
    assert not dataset.reads_videos


def test_no_extractor_need_be_named_where_all_features_are_imported() -> None:
    values = {
        key: value for key, value in (DATASET | IMPORTED).items() if key not in ("extractors", "videos")
    }
    dataset = check(Dataset, values, "x")
    assert sorted(dataset.extractors) == ["sight", "sound"]
    again = check(Dataset, json.loads(to_json(dataset)), "again")
    for name, settings in dataset.extractors.items():
        assert again.extractors[name] == settings


def test_imported_arrays_stand_by_while_features_are_extracted() -> None:
    dataset = check(Dataset, DATASET | IMPORTED | {"features": "extracted", "videos": "videos"}, "x")
    assert {name: found.written for name, found in dataset.extractors.items()} == DATASET["extractors"]
    assert dataset.reads_videos


def test_the_kind_imported_may_stand_beside_one_that_reads_videos() -> None:
    values = changed(
        "extractors.sight", {"kind": "imported", "modality": "visual", "arrays": "a", "width": 2}
    )
    assert check(Dataset, values, "x").reads_videos


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imported": {}}, r"imported: expected the arrays of visual: sight, found those of \[\]"),
        (
            {"imported": {"sight": {"arrays": "a"}, "sound": {"arrays": "b", "width": 1}}},
            "sight.width: missing; expected: Values of a row",
        ),
        ({"imported": {"sight": {"arrays": [], "width": 1}}}, "expected the arrays of audio: sound"),
        ({"features": "extracted", "videos": None}, r"videos: needed by the extractors \['sight', 'sound'\]"),
        (
            {"extractors": {"r50": {"kind": "i3d_r50", "weights": "random"}}},
            r"videos: needed by the extractors \['r50'\], found nothing",
        ),
    ],
)
def test_a_wrong_setting_of_imported_features_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(Dataset, DATASET | IMPORTED | changes, "x")


def test_the_packaged_vectors_have_50_values() -> None:
    with pytest.raises(ValueError, match="embedding_width: expected 50"):
        QueryOptions(embedding="package:glove-6b-50d")
    assert QueryOptions(embedding="package:glove-6b-50d", embedding_width=50).embedding_width == 50

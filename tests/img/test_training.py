import copy
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from toy_dataset import Toy, make_toy, small_options

from extractors.storage.files import read_json
from extractors.storage.store import Store
from img.config.protocols import protocols_of
from img.config.runs import TRAINING_VERSION, InferenceOptions, RunOptions, TrainingOptions
from img.data.clips.inputs import Inputs
from img.data.text.queries import read_queries_table
from img.models.checkpoint import build_system, load_checkpoint, save_checkpoint
from img.models.img.model import IMG
from img.models.registry import SYSTEMS
from img.models.sizes import Sizes
from img.runs import making, training
from img.runs.making import make_run
from img.runs.optimisation import parameter_groups
from img.runs.prediction import predict
from img.runs.run_code import list_code
from img.tasks.moment import MomentRetrieval

pytestmark = pytest.mark.slow

RECORDED_LOSSES = [72.5111, 53.4372, 47.2747]


def run(
    toy: Toy, store: Store, options: RunOptions | None = None, seed: int = 0, fresh: bool = False
) -> tuple[Path, bool]:
    return make_run(toy.data(), options or small_options(), seed, store, "cpu", fresh)


@pytest.fixture(scope="module")
def finished(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """An uninterrupted run of three epochs and its store."""
    store = Store(tmp_path_factory.mktemp("finished"))
    folder, restored = run(toy, store)
    assert not restored
    return folder, store


def test_a_run_holds_what_it_promises(finished: tuple[Path, Store]) -> None:
    folder, store = finished
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("last.safetensors", "best_on_test.safetensors", "options.json", "history.csv", "events"),
        *("inputs.json", "vocabulary.json", "description.json"),
    }
    assert len(list((folder / "events").iterdir())) == 1
    assert not list((store.root / "partial").glob("*/*"))
    options = read_json(folder / "options.json")
    history = pd.read_csv(folder / "history.csv")
    assert options["seed"] == 0
    assert options["key"] == folder.name
    assert options["best_epoch"] == history["fusion_R1@0.7"].argmax()


def test_the_losses_are_those_recorded_for_the_training_version(finished: tuple[Path, Store]) -> None:
    """A training loop that changes without a raised version would restore runs of the old one.

    Where this fails and the change is meant: raise `TRAINING_VERSION` and record the new losses.
    """
    losses = pd.read_csv(finished[0] / "history.csv")["loss_total"].to_list()
    assert (TRAINING_VERSION, losses) == (1, pytest.approx(RECORDED_LOSSES, rel=1e-3))


def test_the_history_has_a_row_for_each_epoch_and_a_rate_that_falls_linearly_to_zero(
    finished: tuple[Path, Store],
) -> None:
    history = pd.read_csv(finished[0] / "history.csv")
    assert history["epoch"].tolist() == [0, 1, 2]
    # 24 queries in batches of 8 are 3 steps an epoch, 9 in all.
    np.testing.assert_allclose(history["learning_rate"], 5e-4 * np.array([1, 6 / 9, 3 / 9]))
    assert {"loss_total", "loss_fusion", "fusion_R1@0.7", "visual_mIoU", "auto_mIoU"} <= set(history.columns)


def kill_in_epoch(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    train_epoch = training._train_epoch

    def train_or_die(*arguments: Any) -> Any:
        if arguments[1] == epoch:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    monkeypatch.setattr(training, "_train_epoch", train_or_die)


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_killed_run_goes_on_and_ends_bitwise_where_an_uninterrupted_one_does(
    toy: Toy, finished: tuple[Path, Store], tmp_path: Path, epoch: int
) -> None:
    store = Store(tmp_path)
    with pytest.MonkeyPatch.context() as monkeypatch:
        kill_in_epoch(monkeypatch, epoch)
        with pytest.raises(KeyboardInterrupt):
            run(toy, store)
    assert list(store.entries()) == []
    torch.manual_seed(99)  # What else happens in the process makes no difference.
    epochs: list[int] = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        train_epoch = training._train_epoch
        monkeypatch.setattr(training, "_train_epoch", lambda *a: epochs.append(a[1]) or train_epoch(*a))
        folder, restored = run(toy, store)
    assert not restored
    assert epochs == list(range(epoch, 3))
    for name in ("last.safetensors", "best_on_test.safetensors"):
        resumed, whole = load_file(folder / name), load_file(finished[0] / name)
        assert resumed.keys() == whole.keys()
        assert all(torch.equal(resumed[tensor], whole[tensor]) for tensor in whole)
    assert (folder / "history.csv").read_bytes() == (finished[0] / "history.csv").read_bytes()
    assert (folder / "options.json").read_bytes() == (finished[0] / "options.json").read_bytes()


def test_a_further_split_gets_its_best_weights_from_the_same_run_and_changes_nothing_else(
    toy: Toy, finished: tuple[Path, Store], tmp_path: Path
) -> None:
    options = small_options().model_copy(update={"further_selection_splits": ("train",)})
    folder, _ = run(toy, Store(tmp_path), options)
    for name in ("last.safetensors", "best_on_test.safetensors"):
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()
    history = pd.read_csv(folder / "history.csv")
    before = pd.read_csv(finished[0] / "history.csv")
    pd.testing.assert_frame_equal(history.drop(columns="best_on_train_R1@0.7"), before)
    best = int(history["best_on_train_R1@0.7"].argmax())
    made = read_json(folder / "options.json")
    assert made["selected_epochs"] == {"best_on_test": made["best_epoch"], "best_on_train": best}
    model = load_checkpoint(folder / "best_on_train.safetensors")
    scores = MomentRetrieval().score(
        predict(model, toy.moments("train"), 8, "cpu", InferenceOptions(answers=1))
    )
    assert scores["fusion"]["R1@0.7"] == history["best_on_train_R1@0.7"][best]
    assert protocols_of(made) == ["last", "best_on_test", "best_on_train"]


def test_of_equal_epochs_the_earliest_is_kept_on_each_split() -> None:
    model, progress = torch.nn.Linear(1, 1), training.Reached()
    for epoch, recalls in enumerate(({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 2.0}, {"a": 0.5, "b": 2.0})):
        torch.nn.init.constant_(model.weight, float(epoch))
        training._keep_best(progress, recalls, model, epoch)
    assert {split: (best.epoch, best.score) for split, best in progress.best.items()} == {
        "a": (0, 1.0),
        "b": (1, 2.0),
    }
    assert [progress.best[split].state["weight"].item() for split in "ab"] == [0.0, 1.0]


def fail(*_: object) -> None:
    raise AssertionError("trained again")


def test_a_finished_run_is_restored_without_training(
    toy: Toy, finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "train", fail)
    assert run(toy, finished[1]) == (finished[0], True)


@pytest.mark.parametrize(
    ("options", "seed"),
    [
        (small_options(), 1),
        (small_options(gamma=2.0), 0),
        (small_options({"weight_decay": 0.02}), 0),
        (small_options({"sound": False}), 0),
    ],
)
def test_another_option_or_seed_is_another_run(
    toy: Toy, finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch, options: RunOptions, seed: int
) -> None:
    monkeypatch.setattr(making, "train", fail)
    with pytest.raises(AssertionError, match="trained again"):
        run(toy, finished[1], options, seed)


def test_another_number_of_threads_is_another_run_and_is_written_down(
    toy: Toy, finished: tuple[Path, Store], tmp_path: Path
) -> None:
    folder, store = finished
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        other, restored = run(toy, store)
    finally:
        torch.set_num_threads(before)
    assert (other != folder, restored) == (True, False)
    recorded = [read_json(place / "options.json")["threads"] for place in (folder, other)]
    assert recorded == [before, before + 1]


def test_other_inputs_or_queries_are_another_run(
    toy: Toy, finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(making, "train", fail)
    other = make_toy(tmp_path)
    # Made again in the same way, it is the same.
    assert run(other, finished[1])[1]
    table = read_queries_table(toy.queries)
    is_test = table["split"] == "test"
    data = other.data()
    changes = [
        replace(data, queries=table.assign(end=table["end"].mask(is_test, table["end"] - 0.5))),
        replace(data, text=data.text.extended(["green"]), vectors=np.vstack([data.vectors, np.ones(8)])),
        replace(data, vectors=data.vectors + 1),
        replace(data, inputs=other_inputs(data.inputs)),
    ]
    for changed in changes:
        with pytest.raises(AssertionError, match="trained again"):
            make_run(changed, small_options(), 0, finished[1], "cpu", False)


def other_inputs(inputs: Inputs) -> Inputs:
    """Inputs of which one training video differs."""
    videos = {**inputs.videos, "train0": replace(inputs.videos["train0"], sha256="other")}
    return replace(inputs, videos=videos)


@pytest.mark.parametrize("sentence", ["the green light", "the gren light"])
def test_another_split_trains_nothing(
    finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sentence: str
) -> None:
    monkeypatch.setattr(making, "train", fail)
    assert run(make_toy(tmp_path, sentence), finished[1])[1]


def test_other_code_is_another_run(
    toy: Toy, finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "train", fail)
    assert run(toy, finished[1])[1]
    monkeypatch.setattr(making, "fingerprint_run", lambda system, tasks: "edited")
    with pytest.raises(AssertionError, match="trained again"):
        run(toy, finished[1])


def test_the_code_of_a_run_is_that_of_its_system_task_and_loop() -> None:
    code = list_code(SYSTEMS["img"], ["moment"])
    assert {
        "img.models.img.model",
        "img.models.img.losses",
        "img.models.fusion.slots",
        "img.tasks.moment",
        "img.data.collation",
        "img.runs.training",
        "img.runs.optimisation",
        "img.data.samples",
    } <= set(code)
    assert not {
        "img.models.registry",
        "img.tasks.registry",
        "img.models.img.official",
        "img.data.annotations.reading",
    } & set(code)


def test_other_libraries_than_a_runs_own_are_told(
    toy: Toy, finished: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run(toy, finished[1])
    assert "restored a run" not in caplog.text
    monkeypatch.setattr(making, "differing_libraries", lambda recorded: {"torch": recorded["torch"]})
    run(toy, finished[1])
    assert f"restored a run that was trained with torch {version('torch')}" in caplog.text


def test_fresh_trains_again_and_keeps_the_new_run(toy: Toy, tmp_path: Path) -> None:
    store, options = Store(tmp_path), small_options({"epochs": 1})
    first, _ = run(toy, store, options)
    inode = (first / "last.safetensors").stat().st_ino
    weights = load_file(first / "last.safetensors")
    # A file that lives on elsewhere keeps its inode, which so is not given to the next file.
    (tmp_path / "link").hardlink_to(first / "last.safetensors")
    second, restored = run(toy, store, options, fresh=True)
    assert not restored
    assert second == first
    assert (second / "last.safetensors").stat().st_ino != inode
    again = load_file(second / "last.safetensors")
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_fresh_starts_an_interrupted_run_at_its_beginning(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    with pytest.MonkeyPatch.context() as killing:
        kill_in_epoch(killing, 1)
        with pytest.raises(KeyboardInterrupt):
            run(toy, store)
    kill_in_epoch(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        run(toy, store, fresh=True)


def test_a_loss_that_is_no_number_is_refused(toy: Toy, tmp_path: Path) -> None:
    sane = small_options()
    absurd = sane.training.model_copy(update={"learning_rate": 1e30})
    options = sane.model_copy(update={"training": absurd})
    with pytest.raises(
        ValueError, match=r"the loss became NaN or infinite in epoch 0; lower training.learning_rate"
    ):
        run(toy, Store(tmp_path), options)
    assert list(Store(tmp_path).entries()) == []


def test_a_loss_that_is_no_number_in_an_epochs_last_step_is_refused(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IMG, "losses", lambda self, *_: {"total": self.saliency.weight.sum() * torch.nan})
    with pytest.raises(ValueError, match="became NaN or infinite in epoch 0"):
        run(toy, Store(tmp_path), small_options({"batch_size": 24}))


def small_model(**options: Any) -> Any:
    return build_system(small_options(**options).model, Sizes({"visual": 4, "audio": 3}, 5, 8, 9))


def test_biases_and_layer_norms_do_not_decay_and_all_else_does() -> None:
    model = small_model()
    decayed, kept = parameter_groups(model, TrainingOptions(weight_decay=0.25))
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.25, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    kept_names = {names[id(parameter)] for parameter in kept["params"]}
    decayed_names = {names[id(parameter)] for parameter in decayed["params"]}
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert kept_names | decayed_names == trainable
    assert not kept_names & decayed_names
    assert {name for name in trainable if "bias" in name} <= kept_names
    # Before training a layer norm's weights are all one, and no other tensor's are.
    ones = {name for name, parameter in model.named_parameters() if (parameter == 1).all()}
    assert ones
    assert kept_names == ones | {name for name in trainable if "bias" in name}


@pytest.mark.slow
def test_a_small_model_learns_the_toy(toy: Toy, tmp_path: Path) -> None:
    options = small_options({"epochs": 20, "learning_rate": 2e-3, "batch_size": 4}, dropout=0.0)
    folder, _ = run(toy, Store(tmp_path), options)
    history = pd.read_csv(folder / "history.csv")
    assert history["loss_fusion"].iloc[-1] < 0.5 * history["loss_fusion"].iloc[0]
    # No constant answer reaches more than 50.
    assert history["visual_R1@0.7"].iloc[-1] >= 75


def test_a_checkpoint_rebuilds_its_model(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = small_model(gamma=2.5)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, model.state_dict(), model.options, Sizes({"visual": 4, "audio": 3}, 5, 8, 9))
    loaded = load_checkpoint(path)
    assert loaded.options == model.options
    assert not loaded.training
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in model.state_dict().items())
    with safe_open(path, "pt") as file:
        assert set(json.loads(file.metadata()["img"])) == {"options", "sizes"}


@pytest.mark.parametrize(
    "write", [lambda path: save_file({"a": torch.ones(2)}, path), lambda path: path.write_text("x")]
)
def test_a_foreign_file_is_no_checkpoint(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "foreign.safetensors"
    write(path)
    with pytest.raises(ValueError, match=r"foreign\.safetensors: expected a checkpoint"):
        load_checkpoint(path)


def test_a_checkpoint_of_other_sizes_is_refused_with_its_name(tmp_path: Path) -> None:
    model = small_model()
    path = tmp_path / "model.safetensors"
    state = copy.copy(model.state_dict())
    save_checkpoint(path, state, model.options, Sizes({"visual": 5, "audio": 3}, 5, 8, 9))
    with pytest.raises(ValueError, match=r"model\.safetensors: expected a checkpoint"):
        load_checkpoint(path)

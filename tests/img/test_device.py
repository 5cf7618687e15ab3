from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toy_dataset import Toy, small_options

from extractors.storage.store import Store
from img.config.protocols import LAST, checkpoint_of
from img.config.runs import InferenceOptions
from img.models.checkpoint import build_system, load_checkpoint
from img.models.img.model import IMG
from img.models.protocol import Progress
from img.models.sizes import Sizes
from img.runs.device import computing_on
from img.runs.making import make_run
from img.runs.prediction import predict


def test_memory_that_runs_out_is_an_error_that_says_what_to_lower() -> None:
    told = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79 GiB"
    with (
        pytest.raises(ValueError, match=r"cuda.* batches of 16 queries; lower training\.batch_size") as error,
        computing_on("cuda", 16),
    ):
        raise torch.OutOfMemoryError(told)
    assert str(error.value).endswith("(CUDA out of memory)")
    assert "\n" not in str(error.value)


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="sizes"), computing_on("cpu", 16):
        raise RuntimeError("sizes")


def test_a_gpu_rounds_no_factor_while_computing_and_is_left_as_it_was() -> None:
    matrices, networks = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, networks.allow_tf32
    with computing_on("cuda", 16):
        assert not matrices.allow_tf32
        assert not networks.allow_tf32
    assert (matrices.allow_tf32, networks.allow_tf32) == before


def test_training_that_runs_out_of_memory_says_so(
    toy: Toy, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(IMG, "losses", run_out)
    store = Store(tmp_path_factory.mktemp("store"))
    with pytest.raises(ValueError, match="memory is too small for batches of 8 queries"):
        make_run(toy.data(), small_options(), 0, store, "cpu", False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_run_of_a_gpu_answers_on_the_cpu(toy: Toy, tmp_path: Path) -> None:
    options, store = small_options(), Store(tmp_path / "store")
    folder, _ = make_run(toy.data(), options, 0, store, "cuda", False)
    history = pd.read_csv(folder / "history.csv")
    assert len(history) == options.training.epochs
    assert np.isfinite(history["loss_total"]).all()
    tables = {}
    for device in ("cpu", "cuda"):
        model = load_checkpoint(checkpoint_of(folder, LAST)).to(device)
        tables[device] = predict(model, toy.moments("test"), 8, device, InferenceOptions(answers=1))
    pd.testing.assert_frame_equal(tables["cuda"], tables["cpu"], rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_step_waits_for_the_gpu(toy: Toy) -> None:
    moments = toy.moments("train")
    sizes = Sizes({"visual": 4, "audio": 3}, len(toy.vocabulary.words), 8, toy.vocabulary.character_count)
    model = build_system(small_options().model, sizes).to("cuda").train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step() -> None:
        for batch in moments.batches(8, np.random.default_rng(0), shuffle=True):
            on_device = batch.to("cuda")
            optimiser.zero_grad(set_to_none=True)
            model.losses(on_device, Progress(1, 2))["total"].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    step()  # The libraries' own first calls may wait.
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")

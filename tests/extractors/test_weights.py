import hashlib
import re

import numpy as np
import pytest
import torch
from torch import nn

from extractors.kinds.i3d.parameters import I3DParameters
from extractors.models.weights import fill, initialise, load_arrays, load_state, load_strict


class Unpicklable:
    """An object that a file of tensors has no use for."""


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))


def sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_saved_state_loads_back_bit_for_bit(tmp_path):
    source, target = small_network(), small_network()
    path = tmp_path / "weights.pth"
    torch.save(source.state_dict(), path)
    load_strict(target, load_state(path), path)
    for name, tensor in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], tensor), name


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_checkpoint_and_its_bare_state_dict_load_the_same(tmp_path, wrapped):
    state = {"weight": torch.arange(3.0)}
    path = tmp_path / "weights.pth"
    torch.save({"iteration": 7, "model": state} if wrapped else state, path)
    loaded = load_state(path, key="model")
    assert list(loaded) == ["weight"]
    assert torch.equal(loaded["weight"], state["weight"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "absent.pth"))):
        load_state(tmp_path / "absent.pth")


def test_a_pickle_of_more_than_tensors_loads_only_under_its_own_hash(tmp_path):
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": {"weight": torch.ones(2)}, "sampler": Unpicklable()}, path)
    with pytest.raises(ValueError, match=r"checkpoint\.pth.*nothing but tensors.*weights_sha256"):
        load_state(path, key="model")
    with pytest.raises(ValueError, match=r"checkpoint\.pth: expected SHA-256 0{64}, found [0-9a-f]{64}"):
        load_state(path, sha256="0" * 64, key="model")
    assert torch.equal(load_state(path, sha256=sha256(path), key="model")["weight"], torch.ones(2))


def test_a_wrong_hash_refuses_a_file_of_tensors_too(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="expected SHA-256"):
        load_state(path, sha256="f" * 64)
    assert list(load_state(path, sha256=sha256(path))) == ["weight"]


@pytest.mark.parametrize("size", [0, 100])
def test_a_truncated_file_is_named(tmp_path, size):
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(200)}, path)
    path.write_bytes(path.read_bytes()[:size])
    for trusted_hash in (None, sha256(path)):
        with pytest.raises(ValueError, match=re.escape(str(path))):
            load_state(path, sha256=trusted_hash)


def test_a_file_without_a_state_dict_says_what_it_holds(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"epoch": 3, "net": {"weight": torch.ones(2)}}, path)
    with pytest.raises(ValueError, match=r"weights\.pth: .*'model'.*epoch: int, net: dict"):
        load_state(path, key="model")


def test_each_misfit_is_named_with_its_shapes(tmp_path):
    network = small_network()
    state = network.state_dict()
    del state["4.bias"]
    state["4.scale"] = torch.ones(5)
    state["0.weight"] = torch.ones(4, 1, 3, 3)
    with pytest.raises(ValueError, match="found 3 faults") as error:
        load_strict(network, state, tmp_path / "weights.pth")
    message = str(error.value)
    assert str(tmp_path / "weights.pth") in message
    assert "missing 4.bias [2]" in message
    assert "unexpected 4.scale [5]" in message
    assert "0.weight: expected shape [4, 3, 3, 3], found [4, 1, 3, 3]" in message


def test_a_long_list_of_misfits_is_cut_to_ten_and_counted(tmp_path):
    state = small_network().state_dict() | {f"extra.{index}": torch.ones(1) for index in range(25)}
    with pytest.raises(ValueError, match="found 25 faults") as error:
        load_strict(small_network(), state, tmp_path / "weights.pth")
    assert str(error.value).count("unexpected") == 10
    assert "and 15 more" in str(error.value)


def test_batch_counters_may_be_absent(tmp_path):
    source, target = small_network(), small_network()
    state = {name: tensor for name, tensor in source.state_dict().items() if "num_batches" not in name}
    load_strict(target, state, tmp_path / "weights.pth")
    assert torch.equal(target[0].weight, source[0].weight)


def test_random_weights_depend_on_the_seed_alone():
    networks = [small_network() for _ in range(3)]
    threads = torch.get_num_threads()
    initialise(networks[0], seed=5)
    torch.manual_seed(123)
    torch.set_num_threads(1 if threads > 1 else 2)
    try:
        initialise(networks[1], seed=5)
    finally:
        torch.set_num_threads(threads)
    initialise(networks[2], seed=6)
    first, again, other = (network.state_dict() for network in networks)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["0.weight"], other["0.weight"])


def test_random_weights_leave_the_global_generator_alone():
    network = small_network()
    before = torch.get_rng_state()
    initialise(network, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_random_weights_have_variance_two_over_fan_in():
    layer = nn.Conv3d(16, 64, 3)
    norm = nn.BatchNorm3d(64)
    nn.init.constant_(norm.running_mean, 3.0)
    initialise(nn.Sequential(layer, norm), seed=0)
    assert layer.weight.var().item() == pytest.approx(2 / (16 * 27), rel=0.05)
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.002)
    assert not layer.bias.any()
    assert not norm.running_mean.any()


def test_fixed_tensors_keep_their_values_under_random_weights():
    basis = nn.Conv1d(1, 8, 4, bias=False).requires_grad_(False)
    before = basis.weight.clone()
    initialise(basis, seed=0)
    assert torch.equal(basis.weight, before)


def test_fill_takes_the_weights_that_the_parameters_name(tmp_path):
    source = small_network()
    path = tmp_path / "weights.pth"
    torch.save(source.state_dict(), path)
    loaded, drawn, expected = small_network(), small_network(), small_network()
    fill(loaded, I3DParameters(weights=path, weights_sha256=sha256(path)))
    fill(drawn, I3DParameters(weights="random", seed=3))
    initialise(expected, seed=3)
    assert torch.equal(loaded[0].weight, source[0].weight)
    assert torch.equal(drawn[0].weight, expected[0].weight)


def test_a_file_of_which_one_bit_went_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    tensor = torch.arange(10.0)
    torch.save({"weight": tensor}, path)
    content = bytearray(path.read_bytes())
    content[content.index(tensor.numpy().tobytes()) + 4] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pth: .* does not have the checksum"):
        load_state(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, number):
    torch.save({"bias": torch.zeros(2), "weight": torch.tensor([0.0, number])}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights\.pth: expected finite numbers, found NaN .* in weight"):
        load_state(tmp_path / "weights.pth")


def test_arrays_with_one_bit_flipped_load_as_they_were_or_are_refused_by_name(tmp_path):
    path = tmp_path / "pca.npz"
    generator = np.random.default_rng(0)
    np.savez_compressed(path, vectors=generator.normal(size=(20, 20)), means=generator.normal(size=20))
    content, truth = path.read_bytes(), load_arrays(path)
    outcomes = set()
    for position in range(0, len(content), 17):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        try:
            found = load_arrays(path)
        except ValueError as error:
            outcomes.add(str(error).partition(", found")[0])
        else:
            assert all(torch.equal(found[name], truth[name]) for name in truth)
    assert outcomes == {f"{path}: expected an .npz of numbers"}

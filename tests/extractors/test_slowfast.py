"""SlowFast's pathways against pytorchvideo's own forward pass, and its weights in every published form."""

import math
import pickle
import re

import numpy as np
import pytest
import torch
from formula_weights import GOLDEN, fill
from pytorchvideo.models.hub import slowfast_r50
from pytorchvideo.models.slowfast import create_slowfast
from torch.nn import functional as F

from extractors.kinds.slowfast.checkpoint import read_checkpoint, rename, rename_caffe2
from extractors.kinds.slowfast.network import PathwayFeatures, build, build_network
from extractors.kinds.slowfast.parameters import SlowFastParameters
from extractors.models.weights import load_strict
from extractors.registry import parse

SIDE = 32
WIDTH = 576


def tiny_network():
    return create_slowfast(
        model_depth=18,
        stem_dim_outs=(16, 2),
        model_num_class=4,
        head_pool_kernel_sizes=((8, 1, 1), (32, 1, 1)),
        slowfast_fusion_conv_kernel_size=(7, 1, 1),
    )


@pytest.fixture(scope="module")
def network():
    return fill(tiny_network(), math.sqrt(2))


def parameters(**changes) -> SlowFastParameters:
    return SlowFastParameters(**{"weights": "random", "shorter_side": SIDE, "crop": SIDE} | changes)


def frames(count: int, side: int = SIDE, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 32, side, side, 3), dtype=torch.uint8, generator=generator)


@torch.no_grad()
def projected(network, windows: torch.Tensor) -> torch.Tensor:
    """pytorchvideo's own row: what enters its head, averaged over the places of its pool."""
    fast = (windows.permute(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225
    seen = []
    hook = network.blocks[6].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network([fast[:, :, torch.linspace(0, 31, 8).long()], fast])
    hook.remove()
    return seen[0].mean(dim=(2, 3, 4))


def caffe2_name(name: str) -> str:
    """The Caffe2 name of a tensor of pytorchvideo's, written down from PySlowFast's loader in words."""
    *_, last = name.split(".")
    ending = {"running_mean": "rm", "running_var": "riv", "bias": "b"}.get(last)
    if name.startswith("blocks.6"):
        return f"pred_{ending or 'w'}"
    is_norm = "norm" in name
    ending = ending or ("s" if is_norm else "w")
    stage = int(name.split(".")[1]) + 1
    if "multipathway_fusion" in name:
        bn = "bn_" if is_norm else ""
        last_block = {2: 1, 3: 1, 4: 1}  # Of the tiny network, whose stages have two blocks.
        place = "pool1" if stage == 1 else f"res{stage}_{last_block[stage]}_branch2c_bn"
        return f"t_{place}_subsample_{bn}{ending}"
    fast = "t_" if ".multipathway_blocks.1." in name else ""
    if stage == 1:
        return f"{fast}res_conv1_bn_{ending}" if is_norm else f"{fast}conv1_{ending}"
    block = re.search(r"res_blocks\.(\d+)", name)[1]
    part = re.search(r"(?:conv|norm)_([abc])\.", name)
    branch = f"branch2{part[1]}" if part else "branch1"
    return f"{fast}res{stage}_{block}_{branch}{'_bn' if is_norm else ''}_{ending}"


def caffe2_blobs(network) -> dict[str, np.ndarray]:
    state = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    blobs = {caffe2_name(name): tensor.numpy() for name, tensor in state.items()}
    assert len(blobs) == len(state)
    blobs |= {f"{name}_momentum": np.zeros_like(blob) for name, blob in blobs.items() if name.endswith("_w")}
    return blobs | {"lr": np.array(0.1, np.float32), "model_iter": np.array(7)}


def test_features_are_what_pytorchvideo_projects(network, tmp_path):
    torch.save({"model_state": network.state_dict()}, tmp_path / "a.pyth")
    extractor = build_network(tiny_network(), WIDTH, parameters(weights=tmp_path / "a.pyth"), "cpu")
    windows = frames(2)
    rows = extractor.embed(windows)
    expected = projected(network, windows)
    assert (rows.shape, extractor.width, extractor.rows_per_window) == ((2, 1, WIDTH), WIDTH, 1)
    torch.testing.assert_close(rows[:, 0], expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())
    assert rows.min() >= 0


@pytest.mark.slow
def test_the_published_network_gives_the_row_recorded():
    network = fill(slowfast_r50(), math.sqrt(2))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if re.search(r"branch2\.norm_c\.(weight|bias)$", name):
                tensor.mul_(0.25)
    fast = torch.from_numpy((np.random.default_rng(32).random((1, 3, 32, 224, 224)) * 2 - 1).astype("f"))
    recorded = np.load(GOLDEN / "slowfast_r50.npz", allow_pickle=False)["row"]
    with torch.inference_mode():
        row = PathwayFeatures(network)(fast)[:, 0].numpy()
    assert row.shape == (1, 2304)
    assert np.abs(row - recorded).max() <= 1e-5 * np.abs(recorded).max()


@pytest.mark.slow
def test_a_larger_crop_is_averaged_over_the_places_of_the_heads_pool():
    extractor = build(parameters(crop=256, shorter_side=256), "cpu")
    windows = frames(1, side=256)
    network = extractor._network[1].network
    torch.testing.assert_close(extractor.embed(windows)[:, 0], projected(network, windows))


def test_the_slow_pathway_sees_the_frames_recorded():
    recorded = np.load(GOLDEN / "slowfast_hero_indices.npz", allow_pickle=False)["slow_of_fast"]
    assert PathwayFeatures(tiny_network()).slow_of_fast.tolist() == recorded.tolist()


@pytest.mark.parametrize("protocol", [2, 4])
def test_caffe2s_pickle_gives_the_same_weights(network, tmp_path, protocol):
    path = tmp_path / "SLOWFAST.pkl"
    path.write_bytes(pickle.dumps({"blobs": caffe2_blobs(network), "cfg": "MODEL: ..."}, protocol))
    loaded = tiny_network()
    load_strict(loaded, read_checkpoint(path), path)
    for name, tensor in network.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(loaded.state_dict()[name], tensor), name


def test_caffe2s_names_hand_written():
    names = {
        "conv1_w": "blocks.0.multipathway_blocks.0.conv.weight",
        "t_res_conv1_bn_riv": "blocks.0.multipathway_blocks.1.norm.running_var",
        "t_pool1_subsample_bn_s": "blocks.0.multipathway_fusion.norm.weight",
        "t_res4_5_branch2c_bn_subsample_w": "blocks.3.multipathway_fusion.conv_fast_to_slow.weight",
        "t_res4_5_branch2c_bn_subsample_bn_rm": "blocks.3.multipathway_fusion.norm.running_mean",
        "res2_0_branch1_w": "blocks.1.multipathway_blocks.0.res_blocks.0.branch1_conv.weight",
        "t_res5_2_branch2c_bn_b": "blocks.4.multipathway_blocks.1.res_blocks.2.branch2.norm_c.bias",
        "res3_0_branch1_bn_s": "blocks.2.multipathway_blocks.0.res_blocks.0.branch1_norm.weight",
        "t_res4_5_branch2c_w": "blocks.3.multipathway_blocks.1.res_blocks.5.branch2.conv_c.weight",
        "pred_b": "blocks.6.proj.bias",
    }
    found = rename_caffe2({name: torch.zeros(1) for name in names})
    assert list(found) == list(names.values())


def test_pyslowfasts_names_and_pytorchvideos_own_hand_written():
    names = {
        "s1.pathway1_stem.conv.weight": "blocks.0.multipathway_blocks.1.conv.weight",
        "s2_fuse.bn.running_mean": "blocks.1.multipathway_fusion.norm.running_mean",
        "s5.pathway0_res2.branch1_bn.bias": "blocks.4.multipathway_blocks.0.res_blocks.2.branch1_norm.bias",
        "head.projection.weight": "blocks.6.proj.weight",
        "blocks.6.proj.bias": "blocks.6.proj.bias",
    }
    assert list(rename({name: torch.zeros(1) for name in names})) == list(names.values())


def test_a_caffe2_pickle_that_lacks_or_adds_a_blob_is_refused_by_name(network, tmp_path):
    path = tmp_path / "SLOWFAST.pkl"
    blobs = caffe2_blobs(network)
    blobs["extra_w"] = blobs.pop("t_conv1_w")
    path.write_bytes(pickle.dumps({"blobs": blobs}))
    with pytest.raises(
        ValueError, match=r"(?s)SLOWFAST\.pkl.*missing blocks\.0\.multipathway_blocks\.1\.conv\.w.*extra_w"
    ):
        build_network(tiny_network(), WIDTH, parameters(weights=path), "cpu")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return exec, ("raise SystemExit('code of the file was run')",)

    path = tmp_path / "SLOWFAST.pkl"
    path.write_bytes(pickle.dumps({"blobs": {"conv1_w": np.zeros(2)}, "cfg": Trap()}))
    with pytest.raises(ValueError, match=r"SLOWFAST\.pkl: .*it asks for builtins\.exec"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps({"weights": {}}))
    with pytest.raises(ValueError, match=r"SLOWFAST\.pkl: expected a dict of arrays"):
        read_checkpoint(path)


def test_a_window_is_embedded_alike_whatever_its_neighbours(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "a.pyth")
    extractor = build_network(tiny_network(), WIDTH, parameters(weights=tmp_path / "a.pyth"), "cpu")
    window = frames(1, seed=1)
    first, again = (extractor.embed(torch.cat([window, frames(2, seed=seed)]))[0] for seed in (2, 3))
    assert torch.equal(first, again)


def test_bfloat16_stays_close_to_float32():
    exact, rounded = (
        build_network(tiny_network(), WIDTH, parameters(precision=precision), "cpu").embed(frames(1))
        for precision in ("float32", "bfloat16")
    )
    assert not torch.equal(rounded, exact)
    assert F.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.99


def test_a_clip_must_be_whole_frames():
    assert parameters(clip_seconds=0.5).plan().window == 15
    with pytest.raises(ValueError, match="clip_seconds: expected a whole number of frames at 30 a second"):
        parameters(clip_seconds=0.75)


@pytest.mark.parametrize(("preset", "seconds"), [("moment_detr", 2.0), ("cg_detr", 1.0), ("univtg", 2.0)])
def test_presets_are_the_published_recipes(preset, seconds):
    for kind in ("clip", "slowfast"):
        _, published = parse({"kind": kind, "preset": preset, "weights": "random"})
        plan = published.plan()
        assert (plan.window / plan.frame_rate, plan.stride) == (seconds, plan.window)
        assert (plan.shorter_side, plan.crop, plan.resampling, plan.offset) == (
            224,
            224,
            "bicubic",
            "truncated",
        )
    assert (plan.choice, plan.ending, plan.taken) == ("hero", "looped", 32)

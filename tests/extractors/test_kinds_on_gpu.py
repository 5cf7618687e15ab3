"""Every network gives the rows on a GPU that it gives on the CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch

from extractors.kinds.clip import network as clip
from extractors.kinds.clip.parameters import ClipImageParameters
from extractors.kinds.eva_clip import network as eva_clip
from extractors.kinds.eva_clip.parameters import EvaClipParameters
from extractors.kinds.i3d import network as i3d
from extractors.kinds.i3d.parameters import I3DParameters
from extractors.kinds.i3d_r50 import network as i3d_r50
from extractors.kinds.i3d_r50.parameters import I3DR50Parameters
from extractors.kinds.pann import network as pann
from extractors.kinds.pann.parameters import PannParameters
from extractors.kinds.slowfast import network as slowfast
from extractors.kinds.slowfast.parameters import SlowFastParameters
from extractors.kinds.vggish import network as vggish
from extractors.kinds.vggish.parameters import VggishParameters
from extractors.kinds.yamnet import network as yamnet
from extractors.kinds.yamnet.parameters import YamnetParameters
from extractors.models.network import NetworkExtractor

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def frames(windows: int, length: int, side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (windows, length, side, side, 3), dtype=torch.uint8, generator=generator)


def samples(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("frame_count", [16, 17])
def test_i3d(frame_count: int) -> None:
    parameters = I3DParameters(weights="random", shorter_side=64, crop=64, window=frame_count)
    expect_equal_rows(i3d.build, parameters, frames(3, frame_count, 64))


def test_i3d_r50() -> None:
    parameters = I3DR50Parameters(weights="random", shorter_side=64, crop=64)
    expect_equal_rows(i3d_r50.build, parameters, frames(3, 8, 64))


def test_clip() -> None:
    parameters = ClipImageParameters(weights="random", shorter_side=64, crop=64)
    expect_equal_rows(clip.build, parameters, frames(3, 1, 64))


def test_eva_clip() -> None:
    def build(parameters: EvaClipParameters, device: str) -> NetworkExtractor:
        sizes = {"depth": 2, "embed_dim": 64, "num_heads": 2}
        return eva_clip.build_tower(sizes, 24, parameters, device)

    parameters = EvaClipParameters(weights="random", shorter_side=56, crop=56)
    expect_equal_rows(build, parameters, frames(3, 1, 56))


def test_slowfast() -> None:
    parameters = SlowFastParameters(weights="random", shorter_side=64, crop=64)
    expect_equal_rows(slowfast.build, parameters, frames(3, 32, 64))


def test_pann() -> None:
    expect_equal_rows(pann.build, PannParameters(weights="random"), samples(3, 32_000))


def test_vggish(tmp_path: Path) -> None:
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=0.3 * np.eye(128), pca_means=np.full((128, 1), 2.0))
    parameters = VggishParameters(weights="random", pca=tmp_path / "pca.npz")
    # The last step rounds to whole numbers: a value between two of them may go either way.
    expect_equal_rows(vggish.build, parameters, 10 * samples(3, 96, 64), apart=1.0)


def test_yamnet() -> None:
    expect_equal_rows(yamnet.build, YamnetParameters(weights="random"), samples(3, 96, 64))


def expect_equal_rows(build, parameters, windows: torch.Tensor, apart: float = 0.0) -> None:
    expected = build(parameters, "cpu").embed(windows)
    found = build(parameters, "cuda").embed(windows)
    assert found.is_cuda
    assert expected.std() > 0
    torch.testing.assert_close(
        found.cpu(), expected, rtol=1e-3, atol=apart or 1e-4 * expected.abs().max().item()
    )

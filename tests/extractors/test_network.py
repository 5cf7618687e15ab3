import numpy as np
import pytest
import torch

from extractors.models.network import NormalisedFrames


def noise() -> torch.Tensor:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    return torch.from_numpy(pixels)


@pytest.mark.parametrize(("mean", "deviation"), [(0.5, 0.5), (0.45, 0.225)])
def test_one_mean_for_all_channels_gives_the_numbers_it_always_gave(mean, deviation):
    frames = noise()
    expected = frames.permute(0, 4, 1, 2, 3).float().mul_(1 / (255 * deviation)).add_(-mean / deviation)
    assert torch.equal(NormalisedFrames(mean, deviation)(frames), expected)


def test_each_channel_has_its_own_mean_and_deviation():
    mean, deviation = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
    found = NormalisedFrames(mean, deviation)(noise())
    assert found.shape == (2, 3, 3, 8, 8)
    for channel in range(3):
        expected = (noise()[..., channel] / 255 - mean[channel]) / deviation[channel]
        torch.testing.assert_close(found[:, channel], expected, rtol=1e-5, atol=1e-5)

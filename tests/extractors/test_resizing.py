import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from extractors.frame_plan import FramePlan
from extractors.media.resizing import resize_and_crop, resize_bicubic, resize_bilinear


@pytest.mark.parametrize(
    ("height", "width", "shorter_side", "shrink", "crop"),
    [(40, 60, 32, True, 32), (60, 40, 50, True, 32), (40, 60, 48, False, 40), (33, 47, 36, False, 32)],
)
def test_resizing_is_bilinear_with_half_pixel_centres(height, width, shorter_side, shrink, crop):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    scale = shorter_side / min(height, width)
    whole = torch.nn.functional.interpolate(
        torch.from_numpy(frame).permute(2, 0, 1)[None].double(),
        scale_factor=(scale, scale),
        mode="bilinear",
        align_corners=False,
        antialias=False,
        recompute_scale_factor=False,
    )[0]
    top = round((round(height * scale) - crop) / 2)
    left = round((round(width * scale) - crop) / 2)
    expected = whole[:, top : top + crop, left : left + crop].permute(1, 2, 0).numpy()
    ours = resize_bilinear(frame, shorter_side, shrink, crop)
    assert ours.dtype == np.uint8
    assert ours.shape == expected.shape == (crop, crop, 3)
    assert np.abs(ours - expected).max() <= 0.5 + 1e-3


def test_larger_frames_keep_their_size_unless_shrunk():
    frame = np.random.default_rng(0).integers(0, 256, (50, 71, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_bilinear(frame, 40, False, 32), frame[9:41, 20:52])


def test_scaling_by_two_hand_computed():
    row = np.array([0, 100], dtype=np.uint8)
    frame = np.repeat(np.stack([row, row])[:, :, None], 3, axis=2)
    # Half-pixel centres: output pixels lie at source -0.25, 0.25, 0.75, 1.25, clipped to the frame.
    np.testing.assert_array_equal(resize_bilinear(frame, 4, True, 4)[..., 0], [[0, 25, 75, 100]] * 4)


@pytest.mark.parametrize(("height", "width"), [(460, 344), (240, 320), (100, 223), (101, 90), (64, 64)])
def test_bicubic_is_torchvisions_preparation_of_pictures(height, width):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    bicubic = v2.InterpolationMode.BICUBIC
    prepare = v2.Compose([v2.Resize(96, interpolation=bicubic, antialias=True), v2.CenterCrop(96)])
    expected = np.asarray(prepare(Image.fromarray(frame)))
    apart = np.abs(resize_bicubic(frame, 96, True, 96, "rounded").astype(int) - expected)
    # Its sums are rounded: of a few pixels in a hundred thousand, to the neighbouring grey.
    assert apart.max() <= 1
    assert apart.mean() < 1e-4


def test_published_features_cut_the_crops_offset():
    # 460 x 344 becomes 299 x 224: the crop begins at 37, where torchvision's begins at 38.
    frame = np.random.default_rng(0).integers(0, 256, (299, 224, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_bicubic(frame, 224, True, 224, "truncated"), frame[37:261])
    np.testing.assert_array_equal(resize_bicubic(frame, 224, True, 224, "rounded"), frame[38:262])


def test_a_plan_says_how_to_scale():
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    plan = FramePlan(None, 1, 1, shorter_side=64, crop=64)
    np.testing.assert_array_equal(resize_and_crop(frame, plan), resize_bilinear(frame, 64, True, 64))
    plan = FramePlan(None, 1, 1, shorter_side=64, crop=64, resampling="bicubic", offset="truncated")
    expected = resize_bicubic(frame, 64, True, 64, "truncated")
    np.testing.assert_array_equal(resize_and_crop(frame, plan), expected)
    assert not np.array_equal(expected, resize_bilinear(frame, 64, True, 64))


def test_larger_frames_keep_their_size_in_both_ways():
    frame = np.random.default_rng(0).integers(0, 256, (50, 71, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_bicubic(frame, 40, False, 32, "rounded"), frame[9:41, 20:52])

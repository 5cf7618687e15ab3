"""EfficientNet-Lite0: against timm's network, on photographs that packages carry, and its outputs."""

import importlib.util
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.models import EfficientNet_B0_Weights

from extractors.kinds.image import network as image
from extractors.kinds.image.parameters import EfficientNetParameters
from extractors.media.resizing import resize_and_crop
from extractors.models.weights import initialise, load_state, load_strict
from extractors.registry import parse

CLASSES = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]


def parameters(**changes: object) -> EfficientNetParameters:
    return EfficientNetParameters.model_validate({"weights": "random", **changes})


def noise(windows: int, side: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (windows, 1, side, side, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("side", [224, 65])
def test_features_and_logits_are_timms(side: int) -> None:
    timm = pytest.importorskip("timm", reason="the extra `eva_clip` brings timm")
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network = image.EfficientNetLite0().eval()
    initialise(network, seed=3)
    # Both list the same tensors in the same order, under other names.
    pairs = zip(reference.state_dict(), network.state_dict().values(), strict=True)
    reference.load_state_dict(dict(pairs))
    frames = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = network(frames)
        torch.testing.assert_close(features, reference.forward_features(frames).mean((2, 3)))
        torch.testing.assert_close(network.classify(features), reference(frames))


def photograph(path: Path) -> torch.Tensor:
    """Reads a picture as a window, resized as the kind does."""
    with av.open(str(path)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    return torch.from_numpy(resize_and_crop(pixels, parameters().plan()).copy())[None, None]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wanted"), [("cheetah.jpg", "cheetah"), ("lion.jpg", "lion")])
def test_photographs_are_what_the_packaged_weights_say(name: str, wanted: str) -> None:
    gradio = importlib.util.find_spec("gradio")
    if gradio is None or gradio.origin is None:
        pytest.skip("the extra `page` brings the photographs")
    window = photograph(Path(gradio.origin).parent / "media_assets" / "images" / name)
    rows = image.build(parameters(weights="package", output="classes"), "cpu").embed(window)
    assert rows.sum().item() == pytest.approx(1, abs=1e-4)
    assert CLASSES[int(rows[0, 0].argmax())] == wanted
    assert rows.max() > 0.7


def test_the_packaged_weights_load_strictly() -> None:
    file = EfficientNetParameters.packaged
    assert file is not None
    network = image.EfficientNetLite0()
    load_strict(network, load_state(file.locate(), file.sha256), file.locate())


@pytest.mark.parametrize(("output", "width"), [("features", 1280), ("classes", 1000), ("words", 50)])
def test_each_output_has_its_width(output: str, width: int) -> None:
    extractor = image.build(parameters(output=output), "cpu")
    rows = extractor.embed(noise(2))
    assert (extractor.width, extractor.rows_per_window) == (width, 1)
    assert rows.shape == (2, 1, width)
    assert rows.dtype == torch.float32
    assert rows.isfinite().all()


def test_random_features_tell_frames_apart_and_do_not_saturate() -> None:
    rows = image.build(parameters(), "cpu").embed(noise(4, 224))
    assert (rows.std(0) > 0).float().mean() > 0.9
    assert (rows == 6).float().mean() < 0.1


def test_a_frame_is_embedded_alike_whatever_its_neighbours() -> None:
    extractor = image.build(parameters(), "cpu")
    together, alone = extractor.embed(noise(3)), extractor.embed(noise(3)[1:2])
    assert F.cosine_similarity(together[1], alone[0]).item() == pytest.approx(1, abs=1e-5)


def test_rows_in_words_space_are_the_names_of_the_best_classes() -> None:
    from extractors.models.label_space import LabelSpace

    space = LabelSpace(np.array([[1, 0], [0, 1], [5, 5]], np.float32), classes=2)
    # The third class is the least probable and does not count: 0.6 and 0.3 become 2/3 and 1/3.
    rows = space(torch.tensor([[0.6, 0.3, 0.1]]))
    torch.testing.assert_close(rows, torch.tensor([[2 / 3, 1 / 3]]))


def test_defaults_are_the_packaged_weights_one_frame_a_second() -> None:
    kind, found = parse({"kind": "image"})
    assert kind.name == "image"
    assert found.sampling().startswith("one frame every 1 s, from its middle")
    located = found.located()  # type: ignore[attr-defined]
    assert located.weights.name == "efficientnet-lite0-57934424.pth"
    assert located.weights_sha256 == found.packaged.sha256  # type: ignore[attr-defined]


def test_a_kind_without_a_package_refuses_the_word() -> None:
    with pytest.raises(ValueError, match="weights: expected a path or random, found package"):
        parse({"kind": "i3d", "weights": "package"})

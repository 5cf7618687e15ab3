import numpy as np
import pytest
import torch

from img.data.noise import add_noise
from img.data.ragged import Ragged
from img.data.subsets import choose_share

# Ten videos of 40 clips, two queries each, interleaved; the last two videos have no sound.
CLIPS, VIDEOS = 40, [f"video{number}" for number in range(10)]
QUERIES = np.array(VIDEOS * 2)
HEARD = np.array(([CLIPS] * 8 + [0] * 2) * 2)


@pytest.fixture
def audio() -> Ragged:
    """Features whose three values have the deviations 1, 5 and 0."""
    rng = torch.Generator().manual_seed(0)
    rows = torch.randn(10 * CLIPS, 3, generator=rng) * torch.tensor([1.0, 5.0, 0.0]) + 2
    rows[8 * CLIPS :] = 0
    first = torch.arange(10).repeat(2) * CLIPS
    return Ragged(rows, first, torch.full((20,), CLIPS))


def sequences(audio: Ragged, videos: np.ndarray = QUERIES) -> dict[str, torch.Tensor]:
    return dict(zip(videos, audio.pad(torch.arange(len(videos))), strict=True))


def changed(audio: Ragged, share: float) -> set[str]:
    before, after = sequences(audio), sequences(add_noise(audio, QUERIES, HEARD, share))
    return {video for video in VIDEOS if not torch.equal(before[video], after[video])}


def test_the_share_is_of_the_videos_with_sound_and_nested(audio: Ragged) -> None:
    by_share = [changed(audio, share) for share in (0.0, 0.25, 0.5, 1.0)]
    assert [len(videos) for videos in by_share] == [0, 2, 4, 8]
    assert by_share[1] < by_share[2] < by_share[3]
    assert by_share[2] == choose_share(VIDEOS[:8], 0.5)


def test_all_queries_of_a_video_hear_the_same(audio: Ragged) -> None:
    padded = add_noise(audio, QUERIES, HEARD, 0.5).pad(torch.arange(20))
    assert torch.equal(padded[:10], padded[10:])


def test_the_noise_is_as_strong_as_the_features_value_by_value(audio: Ragged) -> None:
    noisy = add_noise(audio, QUERIES, HEARD, 1.0).pad(torch.arange(8))
    noise = (noisy - audio.pad(torch.arange(8))).flatten(0, 1)
    deviation = audio.rows[: 8 * CLIPS].std(0)
    torch.testing.assert_close(noise.std(0), deviation, rtol=0.1, atol=0)
    torch.testing.assert_close(noise.mean(0), torch.zeros(3), rtol=0, atol=4 * 5 / 320**0.5)


def test_clips_after_the_end_of_the_sound_get_no_noise_and_do_not_weaken_it(audio: Ragged) -> None:
    whole = add_noise(audio, QUERIES, HEARD, 1.0)
    rows = torch.cat([audio.rows.view(10, CLIPS, 3), torch.zeros(10, CLIPS, 3)], 1).flatten(0, 1)
    longer = Ragged(rows, audio.first * 2, audio.lengths * 2)
    partly = add_noise(longer, QUERIES, HEARD, 1.0).pad(torch.arange(10))
    torch.testing.assert_close(partly[:, :CLIPS], whole.pad(torch.arange(10)))
    assert (partly[:, CLIPS:] == 0).all()


def test_a_videos_noise_depends_on_its_name_not_on_the_order_of_the_queries(audio: Ragged) -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    shuffled = Ragged(audio.rows, audio.first[order], audio.lengths[order])
    found = sequences(add_noise(shuffled, QUERIES[order], HEARD[order], 0.5), QUERIES[order])
    for video, expected in sequences(add_noise(audio, QUERIES, HEARD, 0.5)).items():
        torch.testing.assert_close(found[video], expected)


def test_the_given_features_stay_as_they_are(audio: Ragged) -> None:
    before = audio.rows.clone()
    add_noise(audio, QUERIES, HEARD, 1.0)
    assert torch.equal(audio.rows, before)


def test_without_any_sound_there_is_nothing_to_make_noisy(audio: Ragged) -> None:
    assert add_noise(audio, QUERIES, np.zeros(20, int), 1.0) is audio

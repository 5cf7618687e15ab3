import os
import time
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path
from threading import active_count

import numpy as np
import pytest

from extractors.kind import Kind
from extractors.media.decoding import Decoded, Finished, Restarted, decode_ahead
from extractors.media.errors import MediaError, NoAudioError, ShortMediaError
from extractors.media.sampling import Window
from extractors.parameters import Parameters

pytestmark = pytest.mark.slow


def scripted(path: Path, parameters: Parameters, decoder: str) -> Iterator[Window]:
    """Reads a made-up file: its name says what happens when the first decoder has given one window."""
    behaviour, _, count = path.name.partition("-")
    yield Window(np.full(3, int(count)), 0.0, 1.0)
    if decoder == "first" or behaviour.startswith("always"):
        MISFORTUNES[behaviour.removeprefix("always_")](path)
    for number in range(1, int(count)):
        yield Window(np.full(3, int(count)), float(number), number + 1.0)


def spin(path: Path) -> None:
    while True:
        pass


def fail(path: Path) -> None:
    raise MediaError(f"{path}: broken")


def stumble(path: Path) -> None:
    raise KeyError("surprise")


def crash(path: Path) -> None:
    os._exit(3)


def find_no_sound(path: Path) -> None:
    raise NoAudioError(f"{path}: no sound")


def end_early(path: Path) -> None:
    raise ShortMediaError(path, 1.0, 3.0)


MISFORTUNES: dict[str, Callable[[Path], None]] = {
    "hang": spin,
    "fail": fail,
    "stumble": stumble,
    "crash": crash,
    "mute": find_no_sound,
    "short": end_early,
    "fine": lambda path: None,
    "slow": lambda path: time.sleep(0.3),
}

KIND = Kind("scripted", "visual", Parameters, "", "test_decoding:scripted", ("first", "second"), 1)


def events_of(*names, workers=1, kind=KIND, **options):
    parameters = Parameters(weights="random")
    paths = [Path(name) for name in names]
    return decode_ahead(kind, parameters, paths, workers=workers, **options)


def kept(events):
    """What a consumer that heeds `Restarted` is left with: {index: (starts, Finished)}."""
    starts: dict[int, list[float]] = {}
    result = {}
    for event in events:
        if isinstance(event, Decoded):
            starts.setdefault(event.index, []).append(event.window.start)
        elif isinstance(event, Restarted):
            starts[event.index] = []
        else:
            result[event.index] = (starts.pop(event.index), event)
    return result


def test_order_is_kept_with_several_workers():
    events = list(events_of("slow-3", "fine-20", "fine-1", "slow-2", workers=2, prefetch=2))
    assert [type(event) for event in events if not isinstance(event, Decoded)] == [Finished] * 4
    assert [event.index for event in events] == [0] * 4 + [1] * 21 + [2] * 2 + [3] * 3
    starts = [event.window.start for event in events if isinstance(event, Decoded)]
    assert starts == [*range(3), *range(20), *range(1), *range(2)]


@pytest.mark.parametrize(
    ("misfortune", "reason"),
    [
        ("hang", r"hang-3: first hung: no window in 1 seconds"),
        ("crash", r"crash-3: first crashed: its process ended with code 3"),
        ("fail", r"fail-3: broken"),
        ("stumble", r"stumble-3: first cannot make sense of it: it is damaged, .* \(KeyError: 'surprise'\)"),
    ],
)
def test_second_decoder_takes_over_from_the_beginning(misfortune, reason):
    events = list(events_of(f"{misfortune}-3", "fine-2", timeout=1))
    assert [type(event).__name__ for event in events[:3]] == ["Decoded", "Restarted", "Decoded"]
    with pytest.raises(MediaError, match=reason):
        raise events[1].reason
    assert kept(events) == {
        0: ([0.0, 1.0, 2.0], Finished(0, "second")),
        1: ([0.0, 1.0], Finished(1, "first")),
    }


def test_when_every_decoder_fails_each_reason_is_told_and_the_next_video_goes_on():
    result = kept(events_of("always_stumble-3", "fine-1"))
    message = str(result[0][1].error)
    assert message.startswith("always_stumble-3: no decoder reads it; first: first cannot make sense")
    assert "second: second cannot make sense" in message
    assert result[1] == ([0.0], Finished(1, "first"))


def test_a_reason_all_decoders_share_is_told_once():
    error = kept(events_of("always_fail-1"))[0][1].error
    assert str(error) == "always_fail-1: broken"


def test_no_other_decoder_is_asked_for_sound_that_is_not_there():
    events = list(events_of("mute-2"))
    assert [type(event) for event in events] == [Decoded, Finished]
    assert events[1].decoder == "first"
    assert isinstance(events[1].error, NoAudioError)


def test_a_file_cut_short_keeps_its_windows_and_no_other_decoder_is_asked():
    events = list(events_of("short-3", "fine-1"))
    assert [type(event) for event in events] == [Decoded, Finished, Decoded, Finished]
    assert events[1].error is None
    assert (events[1].decoder, events[1].short.reached, events[1].short.promised) == ("first", 1.0, 3.0)
    assert events[1].short.path == Path("short-3")


def test_time_the_consumer_takes_is_not_held_against_the_decoder():
    result = []
    for event in events_of("fine-6", prefetch=1, timeout=1):
        result.append(event)
        if len(result) == 2:
            time.sleep(2)
    assert [type(event) for event in result] == [Decoded] * 6 + [Finished]


def test_closing_early_ends_processes_and_threads():
    threads = active_count()
    events = events_of("fine-500", "hang-1", "fine-500", workers=3, prefetch=1, timeout=60)
    assert isinstance(next(events), Decoded)
    assert len(active_children()) == 3
    events.close()
    assert active_children() == []
    assert active_count() == threads


def test_processes_end_with_the_last_video():
    assert len(list(events_of("fine-1", "fine-1", workers=2))) == 4
    assert active_children() == []


def test_few_videos_are_decoded_ahead_of_a_consumer_that_waits(tmp_path):
    kind = Kind("noting", "visual", Parameters, "", "test_decoding:noting", ("first",), 1)
    names = [str(tmp_path / f"fine-{number}") for number in range(20)]
    events = events_of(*names, kind=kind, workers=2)
    next(events)
    while len(list(tmp_path.iterdir())) < 4:
        time.sleep(0.05)
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) == 4
    events.close()


def noting(path: Path, parameters: Parameters, decoder: str) -> Iterator[Window]:
    path.touch()
    yield Window(np.zeros(1), 0.0, 1.0)


def test_a_reader_that_cannot_be_loaded_stops_the_run():
    kind = Kind("absent", "visual", Parameters, "", "no_such_module:reader", ("first",), 1)
    with pytest.raises(RuntimeError, match=r"no_such_module:reader: .*No module named 'no_such_module'"):
        list(events_of("fine-1", kind=kind))


def test_nothing_to_do():
    assert list(events_of()) == []

"""What becomes of work in a process of its own. Each test starts one."""

import os
import time

import pytest

from extractors.media.errors import MediaError
from img.page.looking.killable import KilledError, run_killable


def double(number: int) -> int:
    return 2 * number


def fail() -> None:
    raise MediaError("a.mp4: damaged")


def hang() -> None:
    time.sleep(600)


def crash() -> None:
    os.abort()


pytestmark = pytest.mark.slow


def test_a_result_comes_back() -> None:
    assert run_killable(double, 21, timeout=60) == 42


def test_an_error_comes_back_as_it_was() -> None:
    with pytest.raises(MediaError, match=r"^a\.mp4: damaged$"):
        run_killable(fail, timeout=60)


def test_what_hangs_is_killed() -> None:
    begin = time.monotonic()
    with pytest.raises(KilledError, match=r"nothing came in 0\.5 seconds"):
        run_killable(hang, timeout=0.5)
    assert time.monotonic() - begin < 30


def test_a_crash_ends_nothing_else() -> None:
    with pytest.raises(KilledError, match="crashed"):
        run_killable(crash, timeout=60)

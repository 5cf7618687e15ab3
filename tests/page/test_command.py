"""`python -m img serve`, started and ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from small_run import SmallRun

from img.__main__ import main

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


def test_it_serves_this_machine_alone_and_deletes_its_folder_when_it_is_ended(
    small: SmallRun, tmp_path: Path
) -> None:
    pytest.importorskip("gradio", reason="needs the extra `page`")
    command = [sys.executable, "-m", "img", "serve", "--run", str(small.folder)]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            rf"serving {small.folder} at (http://127\.0\.0\.1:\d+)/?; stop with Ctrl\+C\n", line
        )
        assert found, line
        with urllib.request.urlopen(found[1]) as page:
            assert b"Moments in a video" in page.read()
        (folder,) = tmp_path.glob("img-page-*")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not folder.exists()
    finally:
        process.kill()
        process.wait()


def test_a_run_that_cannot_encode_is_refused_before_anything_is_served(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gradio", reason="needs the extra `page`")
    run = tmp_path / "run"
    run.mkdir()
    for path in small.folder.iterdir():
        if path.name != "inputs.json":
            (run / path.name).symlink_to(path)
    assert main(["serve", "--run", str(run)]) == 1
    assert "no new video can be encoded" in capsys.readouterr().err


def test_the_extra_is_named_where_it_is_missing(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["serve", "--run", str(small.folder)]) == 1
    assert "pip install '.[page]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--max-minutes", "0"], ["--encodings", "0"], ["--max-megabytes", "many"]]
)
def test_limits_are_numbers_above_zero(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--run", "run", *arguments])
    assert "expected a" in capsys.readouterr().err

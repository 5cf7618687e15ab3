"""How rules use the container; a stand-in for Apptainer, as the real one is seldom where tests run."""

import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

STAND_IN = """#!/bin/bash
# Notes its arguments, then runs the command with the interpreter that the image would bring.
if [[ $1 == --version ]]; then echo "apptainer version 1.3.0"; exit; fi
printf '%s\\n' "$*" >> "{calls}"
export PATH="{interpreters}:$PATH"
while [[ $1 != */img.sif ]]; do shift; done
shift
exec "$@"
"""


def test_with_a_container_a_job_s_command_runs_in_it(fresh, tmp_path, monkeypatch):
    image = fresh.path("workflow/envs/img.sif")
    image.parent.mkdir(parents=True)
    image.touch()
    calls, programs = tmp_path / "calls", tmp_path / "programs"
    programs.mkdir()
    stand_in = programs / "apptainer"
    stand_in.write_text(STAND_IN.format(calls=calls, interpreters=Path(sys.executable).parent))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    outcome = fresh.make(
        "results/small/videos.tsv", "--software-deployment-method", "apptainer", "--apptainer-args=--nv"
    )
    assert outcome.jobs == {"list_videos": 1}
    (call,) = calls.read_text().split("exec")[1:]
    assert "--nv" in call
    assert "python -m img list-videos" in call
    assert f"export PATH={Path(sys.executable).parent}" not in call

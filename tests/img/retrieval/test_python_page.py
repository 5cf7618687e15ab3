"""The examples of docs/python.md run as they stand, in a project whose demo is made."""

import re
import shutil
from pathlib import Path

import pytest
from small_run import SmallRun

PAGE = Path(__file__).parents[3] / "docs" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples name."""
    demo = tmp_path / "results" / "demo"
    shutil.copytree(small.folder, demo / "runs" / "img" / "seed0")
    shutil.copytree(small.queries, demo / "queries")
    shutil.copytree(small.queries.parent / "inputs", demo / "inputs" / "i3d+pann")
    shutil.copy(small.videos["four"], tmp_path / "my.mp4")
    (tmp_path / "results" / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(number: int) -> dict:
    variables: dict = {"__name__": "__main__"}
    exec(compile(EXAMPLES[number], f"{PAGE.name}, example {number}", "exec"), variables)
    return variables


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.usefixtures("tiny")
def test_a_question_about_a_video(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(0)
    ranks = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert ranks == [str(rank) for rank in range(1, len(ranks) + 1)]
    assert made["answer"].unknown
    assert {len(curve) for curve in made["curves"].values()} == {made["video"].clips}
    # The demo's store is here, and keeps what was encoded.
    assert list((project / "results" / "store" / "entries").iterdir())


@pytest.mark.usefixtures("tiny")
def test_features_without_snakemake(project: Path) -> None:
    made = run(1)
    assert made["counts"].computed == 1
    assert made["rows"].shape[1] == 16
    assert (project / "features" / "i3d" / "my.json").is_file()


def test_a_module_of_ones_own_learns(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(2)
    losses = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 5
    assert losses[-1] < losses[0]

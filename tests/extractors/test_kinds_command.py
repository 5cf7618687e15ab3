import importlib
import subprocess
import sys

import pytest

from extractors.__main__ import main
from extractors.registry import KINDS


def test_kinds_are_listed_with_what_they_take(capsys):
    assert main(["kinds"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split()[:5] == ["kind", "reads", "width", "needs", "presets"]
    assert [line.split()[0] for line in lines] == list(KINDS)
    (clip,) = (line for line in lines if line.startswith("clip "))
    assert "512 or 768" in clip
    assert "pip install '.[clip]'" in clip
    assert "moment_detr, univtg, cg_detr" in clip


def test_kinds_are_listed_without_torch():
    program = (
        "import sys\nfrom extractors.__main__ import main\nmain(['kinds'])\n"
        "assert not {'torch', 'av', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["i3d", "i3d_r50", "slowfast", "eva_clip", "pann", "vggish", "image"])
def test_widths_are_those_of_the_networks(name):
    network = importlib.import_module(f"extractors.kinds.{name}.network")
    assert KINDS[name].parameters.widths[0] == network.WIDTH


def test_clips_widths_are_those_of_its_towers():
    from extractors.kinds.clip.parameters import TOWERS

    assert KINDS["clip"].parameters.widths == tuple(sorted({sizes.rows for sizes in TOWERS.values()}))

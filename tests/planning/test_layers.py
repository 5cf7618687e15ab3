import subprocess
import sys
from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / "workflow"


def test_planning_needs_neither_snakemake_nor_torch():
    names = sorted(path.stem for path in (WORKFLOW / "planning").glob("[a-z]*.py"))
    code = "import sys; " + "; ".join(f"import planning.{name}" for name in names)
    code += "; print({'snakemake', 'torch'} & set(sys.modules))"
    root = WORKFLOW.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": f"{root}:{WORKFLOW}"},
    )
    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr

"""Says how a job of PBS, LSF, Grid Engine or Slurm is, in the words of the generic plugin."""

from __future__ import annotations

import re
import subprocess
import sys

# The commands that tell about a job, running or over; then what their output holds when it is over, and well.
COMMANDS = {
    "pbs": (("qstat", "-x", "-f"),),
    "lsf": (("bjobs", "-noheader", "-o", "stat"),),
    "sge": (("qstat", "-j"), ("qacct", "-j")),
    "slurm": (("squeue", "--noheader", "--states=all", "--format=%T", "--jobs"),),
}
SUCCESS = {
    "pbs": r"job_state = F[\s\S]*Exit_status = 0\b",
    "lsf": r"DONE",
    "sge": r"^failed +0\b[\s\S]*^exit_status +0\b",
    "slurm": r"COMPLETED",
}
RUNNING = {
    "pbs": r"job_state = [BEHQRSTUW]\b",
    "lsf": r"PEND|RUN|SUSP|WAIT|PROV|UNKWN",
    "sge": r"^job_number:",
    "slurm": r"PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED|STOPPED|REQUEUE|RESIZING|STAGE_OUT",
}


def judge(scheduler: str, told: str) -> str:
    """Gives the plugin's word for what a scheduler tells about a job; one it does not know has failed."""
    if re.search(SUCCESS[scheduler], told, re.MULTILINE):
        return "success"
    return "running" if re.search(RUNNING[scheduler], told, re.MULTILINE) else "failed"


def main() -> None:
    """Asks the scheduler and prints `running`, `success` or `failed`."""
    scheduler, job = sys.argv[1:]
    for command in COMMANDS[scheduler]:
        told = subprocess.run([*command, job], capture_output=True, text=True)
        if told.returncode == 0:
            break
    print(judge(scheduler, told.stdout))


if __name__ == "__main__":
    main()

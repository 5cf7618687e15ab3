"""A throwaway Slurm of two nodes on this machine: no accounting, no cgroups, gone when the tests end.

Its configuration lies where Slurm looks by itself, as the steps of a job do not pass SLURM_CONF on. So there
is one at a time, and none where the machine has a Slurm of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path("/etc/slurm/slurm.conf")
# At one place, so that the next test run finds the daemons of a killed one.
PROCESSES = Path("/run/throwaway-slurm")
GENERIC_RESOURCES = CONFIGURATION.with_name("gres.conf")
MARK = "# Throwaway Slurm of `make test-slurm`, process"
MUNGE_SOCKET = Path("/run/munge")
NODES = ("node1", "node2")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "munged", "munge")
# Every job's memory is counted once a second, and one that has too much is killed. A job's processes are
# those of its process group: by their parents (linuxproc), a Snakemake whose shell died first would run on.
TEMPLATE = """{mark} {process}
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
SlurmctldPort=26817
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=2,batch_sched_delay=1,requeue_delay=1
SlurmdParameters=config_overrides
GresTypes=gpu
MpiDefault=none
ReturnToService=2
KillWait=2
SlurmdTimeout=15
MinJobAge=86400
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={processes}/slurmctld.pid
SlurmdPidFile={processes}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port=26818 CPUs=4 RealMemory=64000 Gres=gpu:simulated:1
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port=26819 CPUs=4 RealMemory=64000 Gres=gpu:simulated:1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Says why no throwaway Slurm can run here, or None."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root can start Slurm's daemons and write its configuration"
    if CONFIGURATION.exists():
        first = CONFIGURATION.read_text().partition("\n")[0]
        if not first.startswith(MARK):
            return f"this machine has a Slurm of its own: {CONFIGURATION} is left as it is"
        if is_alive(int(first.removeprefix(MARK))):
            return f"another process has a throwaway Slurm here: {first}"
    elif GENERIC_RESOURCES.exists():
        return f"this machine has a Slurm of its own: {GENERIC_RESOURCES} is left as it is"
    return None


def search_path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()


def run(*command: str) -> str:
    """Runs a program and gives what it prints; its failure is an error."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PATH": search_path()}, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def wait_until(ready: Callable[[], object], what: str, seconds: float = 300) -> None:
    """Waits for something to become true.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Job:
    """A job as `scontrol show job` tells it."""

    number: str
    facts: dict[str, str]

    @property
    def state(self) -> str:
        return self.facts["JobState"]

    @property
    def rule(self) -> str:
        """The rule it is a job of."""
        return self.facts["Comment"].removeprefix("rule_").partition("_wildcards")[0]

    @property
    def cores(self) -> int:
        return int(self.facts["NumCPUs"])

    @property
    def minutes(self) -> int:
        """The time limit."""
        days, _, rest = self.facts["TimeLimit"].rpartition("-")
        hours, minutes, _ = rest.split(":")
        return (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)

    @property
    def megabytes(self) -> int:
        """The memory it asked for."""
        memory = self.facts["MinMemoryNode"]
        return round(float(memory[:-1]) * 1024) if memory.endswith("G") else int(memory.removesuffix("M"))


@dataclass(frozen=True)
class Slurm:
    """The running cluster.

    Attributes:
        folder: its state and its logs.
        own_munged: whether it started munge's daemon.
    """

    folder: Path
    own_munged: bool

    @classmethod
    def start(cls, folder: Path) -> Slurm:
        """Starts controller and nodes; where that fails, everything is stopped again."""
        if CONFIGURATION.exists():
            # A test run that was killed left it, and its daemons; see `why_not`.
            cls(folder, own_munged=False).stop()
        (folder / "state").mkdir(parents=True)
        cluster = cls(folder, _start_munged())
        try:
            CONFIGURATION.parent.mkdir(exist_ok=True)
            PROCESSES.mkdir(exist_ok=True)
            CONFIGURATION.write_text(
                TEMPLATE.format(
                    mark=MARK,
                    process=os.getpid(),
                    host=socket.gethostname(),
                    folder=folder,
                    processes=PROCESSES,
                )
            )
            GENERIC_RESOURCES.write_text(
                "".join(f"NodeName={n} Name=gpu Type=simulated File=/dev/null\n" for n in NODES)
            )
            run("slurmctld")
            for node in NODES:
                cluster.start_node(node)
            wait_until(lambda: cluster.idle_nodes() == set(NODES), f"two idle nodes; logs in {folder}", 60)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def stop(self) -> None:
        """Ends its jobs and daemons, and takes its configuration away."""
        # A controller that never came up, or is gone already, knows of no jobs.
        with suppress(RuntimeError, TimeoutError):
            run("scancel", *(job.number for job in self.jobs()))
            wait_until(lambda: not self.running(), "the jobs' end", 30)
        with suppress(RuntimeError):
            # What left its job's process group, as no cgroup holds it here.
            for process in self.processes(self.jobs()):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        for name in (*(f"slurmd-{node}" for node in NODES), "slurmctld"):
            _end(PROCESSES / f"{name}.pid", signal.SIGTERM)
        for path in (CONFIGURATION, GENERIC_RESOURCES):
            path.unlink(missing_ok=True)
        if self.own_munged:
            _end(MUNGE_SOCKET / "munged.pid", signal.SIGTERM)

    def start_node(self, node: str) -> None:
        run("slurmd", "-N", node)

    def idle_nodes(self) -> set[str]:
        return set(
            run("sinfo", "--noheader", "--states=idle", "--partition=main", "--Node", "--format=%N").split()
        )

    def jobs(self, rule: str = "", folder: Path | None = None) -> list[Job]:
        """Gives the jobs of a rule that were submitted from a folder, in the order of their submission."""
        jobs = []
        for line in run("scontrol", "--oneliner", "show", "job").splitlines():
            facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
            # The generic plugin writes no comment.
            if "JobId" not in facts or not facts.get("Comment", "rule_").startswith(f"rule_{rule}"):
                continue
            if folder is None or facts["WorkDir"] == str(folder):
                jobs.append(Job(facts["JobId"], facts))
        return sorted(jobs, key=lambda job: int(job.number))

    def job(self, number: str) -> Job:
        (job,) = (job for job in self.jobs() if job.number == number)
        return job

    def running(self, rule: str = "", folder: Path | None = None) -> list[Job]:
        return [job for job in self.jobs(rule, folder) if job.state == "RUNNING"]

    def lose_node(self, node: str) -> None:
        """Ends a node as a loss of power does: its daemon and every process of its jobs at once."""
        jobs = [job for job in self.jobs() if job.state == "RUNNING" and job.facts["NodeList"] == node]
        # First those that would report the end of the others.
        _end(PROCESSES / f"slurmd-{node}.pid", signal.SIGKILL)
        for process in (*self.watchers(jobs), *self.processes(jobs)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def signal(self, jobs: Iterable[Job], how: signal.Signals) -> None:
        """Sends every process of some jobs a signal; a stopped job is one that hangs."""
        for process in self.processes(jobs):
            with suppress(ProcessLookupError):
                os.kill(process, how)

    def watchers(self, jobs: Iterable[Job]) -> list[int]:
        """Gives the daemons that watch over the steps of some jobs."""
        titles = tuple(f"slurmstepd: [{job.number}." for job in jobs)
        watchers = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (folder / "cmdline").read_text(errors="replace").startswith(titles):
                    watchers.append(int(folder.name))
        return watchers

    def processes(self, jobs: Iterable[Job]) -> list[int]:
        """Gives the processes of some jobs, but not the daemons that watch over them."""
        marks = {f"SLURM_JOB_ID={job.number}".encode() for job in jobs}
        processes = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if marks & set((folder / "environ").read_bytes().split(b"\0")):
                    processes.append(int(folder.name))
        return processes


def _start_munged() -> bool:
    """Starts munge's daemon unless one answers; says whether it did."""
    with suppress(RuntimeError):
        run("munge", "--no-input")
        return False
    MUNGE_SOCKET.mkdir(exist_ok=True)
    shutil.chown(MUNGE_SOCKET, "munge", "munge")
    run("runuser", "-u", "munge", "--", "munged")
    wait_until((MUNGE_SOCKET / "munged.pid").exists, "munged", 30)
    return True


def _end(pid_file: Path, how: signal.Signals) -> None:
    """Sends a daemon a signal, and waits for its end."""
    try:
        process = int(pid_file.read_text())
        os.kill(process, how)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return
    wait_until(lambda: not is_alive(process), f"the end of {pid_file}", 60)
    pid_file.unlink(missing_ok=True)

"""What the profiles say, as Snakemake reads them."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest
from project import ROOT
from snakemake.profiles import ProfileConfigFileParser

PROFILES = ROOT / "workflow" / "profiles"


def read(name, changes=(), folder=None):
    """Gives a profile's settings, some text of it changed first."""
    path = PROFILES / name / "config.yaml"
    if changes:
        text = path.read_text()
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        path = folder / "config.yaml"
        path.write_text(text)
    with path.open() as file:
        return ProfileConfigFileParser().parse(file)


@pytest.fixture
def call(monkeypatch):
    """Simulates a command line and the GPUs a user may see."""

    def build(*words, gpus=None):
        monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
        monkeypatch.setattr(sys, "argv", ["snakemake", *words])
        if gpus is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)

    return build


@pytest.mark.parametrize(("gpus", "limit"), [("0,1,3", "gpu=3"), ("2", "gpu=1"), ("", "gpu=0")])
def test_on_this_machine_all_cores_work_and_one_job_on_each_gpu(call, gpus, limit):
    call("target", gpus=gpus)
    settings = read("default")
    assert settings["cores"] == "all"
    assert settings["resources"] == [limit]


@pytest.mark.parametrize(
    "words", [("--profile", "x"), ("--profile=x",), ("--executor", "slurm"), ("-e", "slurm")]
)
def test_this_machine_s_cores_and_gpus_limit_no_cluster(call, words):
    # Snakemake takes the default profile with every call, and over the one that is named.
    call(*words, gpus="0")
    assert not {"cores", "resources"} & set(read("default"))


def test_an_unedited_slurm_profile_leaves_the_site_s_choices_to_slurm():
    settings = read("slurm")
    assert "slurm_account=''" in settings["default-resources"]
    assert "slurm_partition=''" in settings["default-resources"]
    assert all(value.endswith(":slurm_partition=''") for value in settings["set-resources"])


def test_the_slurm_profile_s_site_settings_reach_their_rules(tmp_path):
    site = [
        ('account: ""', "account: mine"),
        ('\n  partition: ""', "\n  partition: cpu"),
        ('gpu_partition: ""', "gpu_partition: big"),
        ('gpu_type: ""', "gpu_type: a100"),
        ("status_command: squeue", "status_command: sacct"),
    ]
    settings = read("slurm", site, tmp_path)
    assert {"slurm_account=mine", "slurm_partition=cpu"} <= set(settings["default-resources"])
    heavy = ("extract_features", "train", "evaluate")
    expected = {f"{rule}:{value}" for rule in heavy for value in ("slurm_partition=big", "gpu_model=a100")}
    assert set(settings["set-resources"]) == expected
    assert settings["slurm-status-command"] == "sacct"


@pytest.mark.parametrize(
    ("scheduler", "words", "cancel"),
    [
        ("pbs", "qsub -N img_{rule} ", "qdel"),
        ("lsf", "bsub -J img_{rule} ", "bkill"),
        ("sge", "qsub -terse -cwd -N img_{rule} ", "qdel"),
        ("slurm", "sbatch --parsable -J img_{rule} ", "scancel"),
    ],
)
def test_the_generic_profile_speaks_to_its_scheduler(tmp_path, scheduler, words, cancel):
    settings = read("generic", [("scheduler: pbs", f"scheduler: {scheduler}")], tmp_path)
    assert words in settings["cluster-generic-submit-cmd"]
    assert settings["cluster-generic-status-cmd"].endswith(f"status.py {scheduler}")
    assert settings["cluster-generic-cancel-cmd"] == cancel


@pytest.mark.parametrize(
    ("scheduler", "program", "printed", "job", "memory"),
    [
        ("pbs", "qsub", "12.server", "12.server", "mem=6000mb"),
        ("lsf", "bsub", "Job <12> is submitted to default queue <normal>.", "12", "-M 6000MB"),
        ("sge", "qsub", "12", "12", "h_vmem=3000M"),
    ],
)
def test_a_submission_asks_for_resources_and_gives_the_job_s_number(
    tmp_path, scheduler, program, printed, job, memory
):
    stand_in = tmp_path / program
    stand_in.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho '{printed}'\n")
    stand_in.chmod(0o755)
    settings = read("generic", [("scheduler: pbs", f"scheduler: {scheduler}")], tmp_path)
    resources = SimpleNamespace(mem_mb=6000, runtime=240, options="-q long")
    command = settings["cluster-generic-submit-cmd"].format(rule="train", threads=2, resources=resources)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        f'{command} "job.sh"', shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (f"{job}\n", "")
    asked = (tmp_path / "asked").read_text()
    assert memory in asked
    assert asked.endswith("-q long job.sh\n")
    assert "240" in asked or "14400" in asked


@pytest.mark.parametrize(
    ("scheduler", "told", "word"),
    [
        ("pbs", "    job_state = R\n", "running"),
        ("pbs", "    job_state = F\n    Exit_status = 0\n", "success"),
        ("pbs", "    job_state = F\n    Exit_status = 271\n", "failed"),
        ("pbs", "", "failed"),
        ("lsf", "PEND\n", "running"),
        ("lsf", "DONE\n", "success"),
        ("lsf", "EXIT\n", "failed"),
        ("sge", "==============\njob_number:    12\n", "running"),
        ("sge", "failed       0\nexit_status  0\n", "success"),
        ("sge", "failed       0\nexit_status  1\n", "failed"),
        ("sge", "failed       100 : assumedly after job\nexit_status  0\n", "failed"),
        ("slurm", "PENDING\n", "running"),
        ("slurm", "COMPLETED\n", "success"),
        ("slurm", "NODE_FAIL\n", "failed"),
    ],
)
def test_what_a_scheduler_tells_is_one_of_the_generic_plugin_s_words(scheduler, told, word):
    specification = importlib.util.spec_from_file_location("status", PROFILES / "generic" / "status.py")
    status = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(status)
    assert status.judge(scheduler, told) == word

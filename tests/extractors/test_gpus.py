import pytest
import torch

from extractors.jobs.gpus import take_gpu
from extractors.storage.locks import Lock


@pytest.fixture
def machine(monkeypatch):
    """Simulates a machine's number of GPUs; gives the devices that were made current."""
    chosen = []

    def build(count):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        return chosen

    return build


def test_jobs_side_by_side_get_a_gpu_each(machine, tmp_path):
    chosen = machine(3)
    assert [take_gpu(tmp_path) for _ in range(3)] == [0, 1, 2]
    assert chosen == [0, 1, 2]


def test_a_job_waits_while_every_gpu_is_taken(machine, tmp_path, monkeypatch):
    machine(2)
    take_gpu(tmp_path)
    (path,) = tmp_path.iterdir()
    other = Lock(path.with_name(path.name.replace("gpu-0", "gpu-1")))
    assert other.acquire(wait=False)
    monkeypatch.setattr("time.sleep", lambda seconds: other.release())
    assert take_gpu(tmp_path) == 1


def test_the_only_gpu_a_scheduler_shows_is_taken_without_a_lock(machine, tmp_path):
    # On a node whose jobs see one GPU each, every one of them is number 0.
    machine(1)
    assert [take_gpu(tmp_path), take_gpu(tmp_path)] == [0, 0]
    assert list(tmp_path.iterdir()) == []


def test_two_views_of_a_machine_agree_on_which_gpu_is_taken(machine, tmp_path, monkeypatch):
    machine(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert take_gpu(tmp_path) == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    assert take_gpu(tmp_path) == 0
    assert {path.name.rpartition("-")[2] for path in tmp_path.iterdir()} == {"3.lock", "4.lock"}


def test_a_machine_without_gpu_is_told_what_to_do(machine, tmp_path):
    machine(0)
    with pytest.raises(ValueError, match="expected a CUDA device, found none; use cpu"):
        take_gpu(tmp_path)

"""The GPU process and its micro-batches: equal answers, batches in fact, and workers that survive its death."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpu import service
from gpu.batching import BatchingBackend
from gpu.cpu import CpuBackend
from gpu.devices import open_backend, why_no_cuda
from gpu.service import ADDRESS, KEY, RemoteBackend, Service
from gpu.shared import Window
from tests.gpu.test_jobs import JOBS

RGB = replace(JOBS["rgb"], format="png")
SOME = [replace(JOBS[name], format="png") for name in ("rgb", "classes", "mosaic behind clouds", "median", "grey")]


class Slow(CpuBackend):
    """Notes the sizes of batches; each takes a moment."""

    def __init__(self):
        self.batches = []

    def draw(self, jobs):
        self.batches.append(len(jobs))
        time.sleep(0.02)
        return super().draw(jobs)


def test_jobs_of_many_threads_share_batches():
    inner = Slow()
    backend = BatchingBackend(inner, threads=1, max_wait=0.01)
    found = [None] * 40

    def work(i):
        found[i] = backend.draw([SOME[i % 5]])[0].content

    threads = [threading.Thread(target=work, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend.close()
    expected = [encoded.content for encoded in CpuBackend().draw(SOME)]
    assert found == [expected[i % 5] for i in range(40)]
    assert len(inner.batches) <= 15
    assert max(inner.batches) <= 64


def test_a_batch_is_never_larger_than_allowed():
    inner = Slow()
    backend = BatchingBackend(inner, threads=1, max_jobs=4, max_wait=0.05)
    futures = [backend.submit(RGB) for _ in range(10)]
    assert len({future.result().content for future in futures}) == 1
    assert max(inner.batches) <= 4
    backend.close()


def test_a_lone_job_does_not_wait():
    """Company is waited for only while the device is at work."""
    backend = BatchingBackend(Slow(), threads=2, max_wait=5.0)
    started = time.monotonic()
    assert backend.draw([RGB])[0].format == "png"
    assert time.monotonic() - started < 2.0
    backend.close()


def test_a_bad_job_fails_alone():
    backend = BatchingBackend(CpuBackend(), threads=1, max_wait=0.05)
    bad = replace(RGB, recipe=replace(RGB.recipe, rescale="nonsense"))
    futures = [backend.submit(job) for job in (RGB, bad, RGB)]
    assert futures[0].result().content == futures[2].result().content
    with pytest.raises(Exception):  # noqa: B017 whatever the backend raises
        futures[1].result()
    backend.close()


@pytest.fixture
def served(tmp_path):
    """A service in this process and a worker's backend."""
    key = secrets.token_bytes(16)
    running = Service(Slow(), str(tmp_path / "socket"), key)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    reasons = []
    remote = RemoteBackend(str(tmp_path / "socket"), key, CpuBackend(), reasons.append)
    yield running, remote, reasons
    remote.close()
    running.close()


def test_answers_are_the_backends(served):
    running, remote, reasons = served
    cpu = CpuBackend()
    assert [e.content for e in remote.draw(SOME)] == [e.content for e in cpu.draw(SOME)]
    np.testing.assert_array_equal(remote.shade(RGB).rgba(), cpu.shade(RGB).rgba())
    np.testing.assert_array_equal(remote.values(RGB)[0], cpu.values(RGB)[0])
    one = RGB.layers[0].sources[0]
    np.testing.assert_array_equal(remote.warp(one, 24, 28, "cubic")[0], cpu.warp(one, 24, 28, "cubic")[0])
    assert reasons == []
    assert running.backend.inner.batches


def test_strangers_are_refused(served):
    running, _, _ = served
    reasons = []
    stranger = RemoteBackend(running._listener.address, b"wrong", CpuBackend(), reasons.append)
    assert stranger.draw([RGB])[0].content == CpuBackend().draw([RGB])[0].content
    assert reasons == ["lost"]


def test_an_error_in_the_service_is_the_workers_cpus_turn(served, monkeypatch):
    _, remote, reasons = served
    monkeypatch.setattr(service, "METHODS", ("shade",))
    assert remote.draw([RGB])[0].content == CpuBackend().draw([RGB])[0].content
    assert reasons == ["failure"]


def test_no_service(tmp_path):
    reasons = []
    remote = RemoteBackend(str(tmp_path / "nobody"), b"key", CpuBackend(), reasons.append)
    for _ in range(3):
        assert remote.draw([RGB])[0].format == "png"
    assert reasons == ["lost"], "it is not tried again at once"


def test_a_killed_process_is_replaced_by_the_cpu(tmp_path):
    """The real process, killed in the middle of its life; a new one is found again."""
    address, key = str(tmp_path / "socket"), secrets.token_hex(16)

    def start():
        child = subprocess.Popen(
            [sys.executable, "-m", "gpu.service", "cpu"], env={**os.environ, ADDRESS: address, KEY: key},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout.readline().strip() == b"ready"
        return child

    child = start()
    reasons = []
    remote = RemoteBackend(address, bytes.fromhex(key), CpuBackend(), reasons.append)
    expected = CpuBackend().draw([RGB])[0].content
    assert remote.draw([RGB])[0].content == expected
    assert reasons == []
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert remote.draw([RGB])[0].content == expected
    assert reasons == ["lost"]
    Path(address).unlink()
    remote._retry_at = 0.0
    child = start()
    assert remote.draw([RGB])[0].content == expected
    assert reasons == ["lost"]
    child.stdin.close()
    assert child.wait(20) == 0, "it ends with its parent"


def test_a_process_for_workers(monkeypatch):
    """As a supervisor starts it: workers find it by their environment."""
    process = service.Process("cpu")
    assert process.ready
    for name, value in process.environment.items():
        monkeypatch.setenv(name, value)
    backend = open_backend("auto")
    assert isinstance(backend, RemoteBackend)
    assert backend.draw([RGB])[0].content == CpuBackend().draw([RGB])[0].content
    assert open_backend("cpu").name == "cpu"
    backend.close()
    process.close()


def test_a_process_that_dies_is_started_anew(monkeypatch):
    """Workers draw by themselves meanwhile and find the new one at the same place."""
    monkeypatch.setattr(service, "RESTART", 0.1)
    process = service.Process("cpu")
    first = process._child
    reasons = []
    remote = RemoteBackend(
        process.environment[ADDRESS], bytes.fromhex(process.environment[KEY]), CpuBackend(), reasons.append
    )
    expected = remote.draw([RGB])[0].content
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert remote.draw([RGB])[0].content == expected
    assert reasons == ["lost"]
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        remote._retry_at, reasons[:] = 0.0, []
        assert remote.draw([RGB])[0].content == expected
        if not reasons:
            break
        time.sleep(0.2)
    assert reasons == []
    assert process._child is not first
    remote.close()
    process.close()
    assert process._child.poll() is not None


def test_a_service_leaves_when_its_device_is_lost(monkeypatch):
    codes = []
    monkeypatch.setattr(service.os, "_exit", codes.append)
    for reason in ("memory", "failure", "lost"):
        service._leave_when_lost(reason)
    assert codes == [service.LOST]


@pytest.mark.skipif(not why_no_cuda(), reason="there is a GPU here")
def test_a_process_without_a_gpu(capfd):
    process = service.Process("cuda")
    assert not process.ready
    process.close()
    assert capfd.readouterr().err.startswith("The device asked for is cuda, but")


@pytest.mark.parametrize("size", [100_000, 10**18])
def test_window_holds_what_fits(size):
    """Arrays beyond the window travel in the message; so do all where there is no memory for a window."""
    mine = Window.create(size)
    theirs = Window.attach(mine.path)
    arrays = [np.arange(n, dtype=np.float64) for n in (10, 8000, 6000, 3)]
    message = mine.dump(arrays)
    assert (len(message) < 60_000) == (size == 100_000)
    for sent, found in zip(arrays, theirs.load(message), strict=True):
        np.testing.assert_array_equal(sent, found)
    assert not mine.path or not Path(mine.path).exists()
    theirs.close()
    mine.close()

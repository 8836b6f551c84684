"""Jobs: progress, results, cancelling, failing, clean-up, and another process over the same folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest
import redis

from tileserver.errors import InvalidParameter, NotFound, Overloaded
from tileserver.job_store import FolderStore, Job, open_store
from tileserver.jobs import Jobs


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A real Redis for the several-machines half."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed (Debian: redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


@pytest.fixture(params=["folder", "redis"])
def machine(request, tmp_path):
    """Makes Jobs as another process sees them: over one folder, or over one Redis with a folder each."""
    url = ""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        redis.Redis.from_url(url).flushall()
    count = iter(range(100))

    def make(seconds=3600.0):
        folder = tmp_path / str(next(count)) if url else tmp_path
        return Jobs(open_store(folder, url, seconds), 3, seconds)

    return make


@pytest.fixture
def jobs(machine):
    return machine()


def wait(jobs, job_id, *status):
    for _ in range(400):
        job = jobs.job(job_id)
        if job.status in status:
            return job
        time.sleep(0.01)
    raise AssertionError(job)


def film(path, say):
    for step in range(5):
        say(step / 5)
    path.write_bytes(b"film")
    return "one film"


def test_done(jobs, machine, tmp_path):
    job = jobs.submit("film", "mp4", "video/mp4", film)
    assert job.status == "accepted"
    done = wait(jobs, job.id, "successful")
    assert (done.progress, done.message) == (1, "one film")
    path, found = jobs.result(f"{job.id}.mp4")
    assert (path.read_bytes(), found.media_type) == (b"film", "video/mp4")
    with pytest.raises(NotFound):
        jobs.result(f"{job.id}.gif")
    other = machine()
    assert other.job(job.id) == done
    assert other.result(f"{job.id}.mp4")[0].read_bytes() == b"film"
    assert not [*tmp_path.rglob("*.part"), *tmp_path.rglob("*.tmp")]


def test_progress_and_cancel_from_another_process(jobs, machine, tmp_path):
    go, seen = threading.Event(), []

    def slow(path, say):
        path.write_bytes(b"x")
        for step in range(1000):
            say(step / 1000)
            seen.append(step)
            go.wait(0.02)

    job = jobs.submit("film", "gif", "image/gif", slow)
    while jobs.job(job.id).progress < 0.01:
        time.sleep(0.01)
    other = machine()
    assert other.cancel(job.id).status == "dismissed"
    time.sleep(0.5)
    count = len(seen)
    assert count < 1000
    time.sleep(0.1)
    assert len(seen) == count
    assert jobs.job(job.id).status == "dismissed"
    assert {path.suffix for path in tmp_path.rglob("*.*")} <= {".cancelled", ".json"}


def test_cancel_before_it_begins_and_after_it_ended(jobs):
    hold = threading.Event()
    first = jobs.submit("film", "mp4", "video/mp4", lambda path, say: hold.wait(5) and film(path, say))
    second = jobs.submit("film", "mp4", "video/mp4", film)
    jobs.cancel(second.id)
    hold.set()
    wait(jobs, first.id, "successful")
    assert jobs.job(second.id).status == "dismissed"
    jobs.cancel(first.id)
    with pytest.raises(NotFound):
        jobs.result(f"{first.id}.mp4")


def test_failures_are_told(jobs):
    def wrong(path, say):
        raise InvalidParameter("style", "x", "y")

    def broken(path, say):
        path.write_bytes(b"half")
        raise RuntimeError("/secret/path")

    assert "style" in wait(jobs, jobs.submit("film", "mp4", "video/mp4", wrong).id, "failed").message
    assert wait(jobs, jobs.submit("film", "mp4", "video/mp4", broken).id, "failed").message == "The job failed."


def test_limit(jobs):
    hold = threading.Event()
    for _ in range(3):
        jobs.submit("film", "mp4", "video/mp4", lambda path, say: str(hold.wait(5)))
    with pytest.raises(Overloaded, match="3 jobs"):
        jobs.submit("film", "mp4", "video/mp4", film)
    hold.set()


def test_old_results_go(machine, tmp_path):
    short = machine(0.3)
    job = short.submit("film", "mp4", "video/mp4", film)
    time.sleep(0.6)
    with pytest.raises(NotFound):
        short.job(job.id)
    short._swept = 0.0
    short.submit("film", "gif", "image/gif", film)
    assert not [path for path in tmp_path.rglob("*.*") if path.name.startswith(job.id)]


def test_a_dead_worker_is_noticed(tmp_path):
    store = FolderStore(tmp_path)
    now = time.time()
    job = Job(id="a" * 32, kind="film", status="running", updated=now, expires=now + 100)
    for status, silence, seen in [("running", 5, "running"), ("running", 700, "failed"), ("accepted", 700, "accepted")]:
        store.write(replace(job, status=status, updated=now - silence))
        assert store.read(job.id).status == seen


def test_redis_that_is_away(tmp_path):
    jobs = Jobs(open_store(tmp_path, "redis://127.0.0.1:1/0", 60), 3, 60)
    with pytest.raises(Overloaded, match="reached"):
        jobs.job("a" * 32)


@pytest.mark.parametrize("name", ["", "x", "../../etc/passwd", "0" * 32, "0" * 31 + "/"])
def test_unknown(jobs, name):
    with pytest.raises(NotFound):
        jobs.job(name)
    with pytest.raises(NotFound):
        jobs.result(name + ".mp4")

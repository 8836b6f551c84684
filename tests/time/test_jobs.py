"""Jobs: progress, results, cancelling, failing, clean-up, and another process over the same folder."""

from __future__ import annotations

import json
import threading
import time

import pytest

from tileserver.errors import InvalidParameter, NotFound, Overloaded
from tileserver.jobs import Jobs


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path, limit=3, hours=1)


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


def test_done(jobs, tmp_path):
    job = jobs.submit("film", "mp4", "video/mp4", film)
    assert job.status == "accepted"
    done = wait(jobs, job.id, "successful")
    assert (done.progress, done.message) == (1, "one film")
    path, found = jobs.result(f"{job.id}.mp4")
    assert (path.read_bytes(), found.media_type) == (b"film", "video/mp4")
    with pytest.raises(NotFound):
        jobs.result(f"{job.id}.gif")
    other = Jobs(tmp_path, limit=3, hours=1)
    assert other.job(job.id) == done
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.tmp"))


def test_progress_and_cancel_from_another_process(jobs, tmp_path):
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
    other = Jobs(tmp_path, limit=3, hours=1)
    assert other.cancel(job.id).status == "dismissed"
    time.sleep(0.5)
    count = len(seen)
    assert count < 1000
    time.sleep(0.1)
    assert len(seen) == count
    assert jobs.job(job.id).status == "dismissed"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cancelled", ".json"]


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


def test_old_results_go(tmp_path):
    short = Jobs(tmp_path, limit=3, hours=0.2 / 3600)
    job = short.submit("film", "mp4", "video/mp4", film)
    time.sleep(0.4)
    with pytest.raises(NotFound):
        short.job(job.id)
    Jobs(tmp_path, limit=3, hours=1).sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_dead_worker_is_noticed(jobs, tmp_path):
    job = jobs.submit("film", "mp4", "video/mp4", film)
    wait(jobs, job.id, "successful")
    path = tmp_path / f"{job.id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "running", "updated": time.time() - 700}))
    assert jobs.job(job.id).status == "failed"


@pytest.mark.parametrize("name", ["", "x", "../../etc/passwd", "0" * 32, "0" * 31 + "/"])
def test_unknown(jobs, name):
    with pytest.raises(NotFound):
        jobs.job(name)
    with pytest.raises(NotFound):
        jobs.result(name + ".mp4")

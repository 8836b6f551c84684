"""Films over HTTP: asked for, watched, fetched, cancelled, refused."""

from __future__ import annotations

import io
import time

import av
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.cogs import write_cog
from tests.time.archive import SCL, app_of, item_of, parts_of
from tileserver.models import Collection, Style

GREY = Style(
    id="grey", titles={"en": "Brightness", "cs": "Jas"}, assets=("B1",), rescale=((0.0, 255.0),), colormap_name="viridis",
    resampling="nearest",
)  # fmt: skip
BOX = [15.005, 46.9, 15.04, 46.93]
VALUES = {"2021-01-05": 40, "2021-02-05": 120, "2021-03-05": 200}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    parts = parts_of(folder, max_frames=20, max_jobs=4)
    parts.catalog.put_collection(Collection(id="c", title="Fields", styles=(GREY,), mask=SCL, attribution="© Somebody"))
    items = []
    for n, (day, value) in enumerate(VALUES.items()):
        files = {
            "B1": write_cog(folder / f"{day}.tif", np.full((300, 400), value, np.uint8), nodata=0),
            "SCL": write_cog(folder / f"{day}_SCL.tif", np.full((300, 400), 9 if n == 1 else 4, np.uint8), nodata=0),
        }
        items.append(item_of("c", day, f"{day}T10:00:00Z", files))
    nothing = {"B1": write_cog(folder / "empty.tif", np.zeros((300, 400), np.uint8), nodata=0), "SCL": files["SCL"]}
    items.append(item_of("c", "empty", "2021-04-05T10:00:00Z", nothing))
    bad = {"B1": folder / "bad.tif", "SCL": files["SCL"]}
    bad["B1"].write_bytes((folder / "empty.tif").read_bytes())
    items.append(item_of("c", "bad", "2021-05-05T10:00:00Z", bad))
    bad["B1"].write_bytes(b"II*\0")
    parts.catalog.put_items(items)
    with TestClient(app_of(parts)) as client:
        client.folder = folder
        yield client


def ask(client, status=202, **body):
    answer = client.post("/timelapses", json={"collection": "c", "style": "grey", "bbox": BOX, "width": 256} | body)
    assert answer.status_code == status, answer.text
    return answer


def wait(client, job_id):
    for _ in range(600):
        job = client.get(f"/jobs/{job_id}").json()
        assert 0 <= job["progress"] <= 1
        if job["status"] not in {"accepted", "running"}:
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def fetch(client, **body):
    answer = ask(client, **body)
    job = answer.json()
    assert answer.headers["location"].endswith(f"/jobs/{job['id']}")
    done = wait(client, job["id"])
    assert (done["status"], done["progress"]) == ("successful", 1), done
    film = client.get("/timelapses/" + done["href"].rsplit("/", 1)[1])
    assert film.status_code == 200
    return film, done


def middles(content):
    """The middle pixel of each frame, which no label covers."""
    with av.open(io.BytesIO(content)) as film:
        pictures = [frame.to_ndarray(format="rgb24", src_colorspace="ITU709") for frame in film.decode(video=0)]
    return [picture[picture.shape[0] // 2, picture.shape[1] // 2].astype(int) for picture in pictures], pictures[
        0
    ].shape


def tile_color(client, day):
    """What a map shows of the same place."""
    answer = client.get(
        "/collections/c/styles/grey/map",
        params={"bbox": ",".join(map(str, BOX)), "width": 8, "height": 8, "f": "png", "datetime": day},
    )
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))[4, 4].astype(int)


def test_frames_are_the_maps_of_their_days(client):
    film, done = fetch(client, fps=2)
    assert film.headers["content-type"] == "video/mp4"
    found, shape = middles(film.content)
    assert done["message"] == "3 frames; 1 dates show nothing; unreadable: bad"
    assert shape[1] == 256
    assert shape[0] % 2 == 0
    for pixel, day in zip(found, VALUES, strict=True):
        assert np.abs(pixel - tile_color(client, day)).max() <= 10
    ranged = client.get(str(film.url), headers={"Range": "bytes=0-99"})
    assert (ranged.status_code, len(ranged.content)) == (206, 100)


@pytest.mark.parametrize(("form", "kind"), [("webm", "video/webm"), ("gif", "image/gif"), ("webp", "image/webp")])
def test_formats(client, form, kind):
    film, _ = fetch(client, format=form, dates=["2021-01-05", "2021-03-05"], caption="", lang="cs")
    assert film.headers["content-type"] == kind
    if form != "webm":
        picture = Image.open(io.BytesIO(film.content))
        assert picture.n_frames == 2


def test_dates_are_sorted_and_never_snap(client):
    film, done = fetch(client, dates=["2021-03-05", "2021-01-05", "2021-01-05", "2021-03-06"])
    assert done["message"] == "2 frames; 1 dates show nothing"
    first, last = middles(film.content)[0]
    assert np.abs(first - tile_color(client, "2021-01-05")).max() <= 10
    assert np.abs(last - tile_color(client, "2021-03-05")).max() <= 10


def test_cloudy_days_are_left_out(client):
    for _ in range(100):  # until the clouds are counted
        days = client.get("/collections/c/dates", params={"bbox": ",".join(map(str, BOX))})
        if days.headers["X-Dates-Complete"] == "true":
            break
        time.sleep(0.05)
    answer = ask(client, datetime="2021-01-01/2021-03-31", max_cloud=50)
    assert answer.json()["frames"] == 2
    wait(client, answer.json()["id"])


def test_cancel(client):
    job = ask(client, width=2048, dates=[f"2021-01-05T10:00:{second:02}Z" for second in range(20)]).json()
    answer = client.delete(f"/jobs/{job['id']}")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert client.get(f"/jobs/{job['id']}").json()["status"] == "dismissed"
    assert client.get(f"/timelapses/{job['id']}.mp4").status_code == 404
    assert client.delete("/jobs/" + "0" * 32).status_code == 404


def test_nothing_to_show_fails_in_words(client):
    done = wait(client, ask(client, dates=["2021-04-05"]).json()["id"])
    assert (done["status"], "picture" in done["message"]) == ("failed", True)
    broken = wait(client, ask(client, dates=["2021-05-05"]).json()["id"])
    assert broken["status"] == "failed"
    assert str(client.folder) not in broken["message"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"collection": "x"}, 404, "collection"),
        ({"style": "x"}, 404, "style"),
        ({"bbox": [1, 2, 3]}, 400, "bbox"),
        ({"bbox": [1, 2, 1, 4]}, 400, "bbox"),
        ({"bbox": [1, 2, None, 4]}, 400, "bbox"),
        ({"bbox": [15, 46, 15.001, 48]}, 400, "high"),
        ({"bbox": "15,46,16"}, 400, "bbox"),
        ({"bbox": [100, 10, 101, 11]}, 404, "day"),
        ({"width": 10}, 400, "64 to 3840"),
        ({"width": 100000}, 413, "limit is 3840"),
        ({"width": "wide"}, 400, "width"),
        ({"fps": 0}, 400, "fps"),
        ({"fps": 1000}, 400, "fps"),
        ({"format": "avi"}, 400, "format"),
        ({"dates": []}, 400, "dates"),
        ({"dates": ["latest"]}, 400, "dates"),
        ({"dates": ["soon"]}, 400, "dates"),
        ({"dates": ["2021-01-01/.."]}, 400, "dates"),
        ({"dates": [f"2021-01-{day:02}" for day in range(1, 22)]}, 413, "21 asked, the limit is 20"),
        ({"dates": ["2021-01-05"] * 5000}, 413, "limit is 20"),
        ({"datetime": "2022/2021"}, 400, "datetime"),
        ({"max_cloud": 101}, 400, "max_cloud"),
        ({"caption": "x" * 300}, 400, "caption"),
        ({"crs": "EPSG:1"}, 400, "crs"),
    ],
)
def test_refusals(client, body, status, says):
    answer = ask(client, status=status, **body)
    assert set(answer.json()) >= {"code", "detail"}
    assert says in answer.json()["detail"]


def test_bodies_that_are_none(client):
    for content in (b"", b"{", b"[]", b"null", b'"x"'):
        answer = client.post("/timelapses", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, (content, answer.text)
    assert client.get("/timelapses/../../etc/passwd").status_code == 404
    assert client.get("/timelapses/x.mp4").status_code == 404
    assert client.get("/jobs/x").status_code == 404


def test_too_many_jobs(client):
    jobs = []
    slow = [f"2021-01-05T10:00:{second:02}Z" for second in range(20)]
    for _ in range(12):
        answer = client.post(
            "/timelapses",
            json={"collection": "c", "style": "grey", "bbox": BOX, "width": 3000, "dates": slow, "format": "webp"},
        )
        if answer.status_code == 503:
            break
        jobs.append(answer.json()["id"])
    assert answer.status_code == 503
    assert answer.json()["code"] == "Overloaded"
    assert int(answer.headers["Retry-After"]) > 0
    for job in jobs:
        client.delete(f"/jobs/{job}")

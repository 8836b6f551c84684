"""Files in S3: a real client against a server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cog.files import asset, band, pixels
from tests.cogs import write_cog
from tileserver.cog.source import RemoteFile
from tileserver.cog.source import bucket as opened_bucket
from tileserver.models import Asset, Grid
from tileserver.reading import FastReader

moto_server = pytest.importorskip("moto.server", reason="install the dev dependencies (moto[server])")
boto3 = pytest.importorskip("boto3", reason="install the dev dependencies (moto[server])")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    server = moto_server.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for key, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, value)
    opened_bucket.cache_clear()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket="granules")
    yield client
    server.stop()


def test_tiles_and_points_from_s3(bucket: object, tmp_path: Path) -> None:
    grid = Grid(crs="EPSG:3857", bounds=(1_669_000, 5_925_000, 1_674_000, 5_930_000), width=128, height=128)
    path = write_cog(tmp_path / "a.tif", pixels("uint16", side=900)[0], nodata=0)
    bucket.upload_file(str(path), "granules", "2024/a.tif")
    remote = Asset(key="data", href="s3://granules/2024/a.tif", version="1")
    reader = FastReader()
    far, near = (reader.sources([(each, band())], grid, "nearest")[0] for each in (remote, asset(path)))
    assert far is not None
    assert near is not None
    np.testing.assert_array_equal(far.pixels, near.pixels)
    assert reader.point([(remote, band())], 15.001, 46.95) == reader.point([(asset(path), band())], 15.001, 46.95)


def test_gdal_reads_what_we_do_not(bucket: object, tmp_path: Path) -> None:
    """The fallback reaches the same endpoint."""
    path = write_cog(tmp_path / "a.tif", pixels("uint16", side=900)[0], nodata=0)
    bucket.upload_file(str(path), "granules", "b.tif")
    remote = Asset(key="data", href="s3://granules/b.tif", version="1")
    assert FastReader().slow.header(remote) == FastReader().slow.header(asset(path))
    assert isinstance(RemoteFile("s3://granules/b.tif").size, int)

"""The peer in C: MapServer by FastCGI behind nginx, which keeps its source and GDAL's block cache between requests.

Debian: cgi-mapserver spawn-fcgi nginx-light.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio

from benchmarks.granule import CRS, RGB
from benchmarks.server import Server

PROGRAMS = ("mapserv", "spawn-fcgi", "nginx")
_MAP = """MAP
  EXTENT -20037508 -20037508 20037508 20037508
  UNITS METERS
  PROJECTION "init=epsg:3857" END
  IMAGETYPE "jpeg85"
  OUTPUTFORMAT
    NAME "jpeg85"
    DRIVER "AGG/JPEG"
    MIMETYPE "image/jpeg"
    IMAGEMODE RGB
    FORMATOPTION "QUALITY=85"
  END
  LAYER
    NAME "rgb"
    TYPE RASTER
    STATUS ON
    DATA "{work}/rgb.vrt"
    PROJECTION "init={crs}" END
    PROCESSING "BANDS=1,2,3"
    PROCESSING "SCALE=0,3000"
    PROCESSING "RESAMPLE=NEAREST"
    PROCESSING "CLOSE_CONNECTION=DEFER"
  END
END
"""
_NGINX = """worker_processes 1;
daemon off;
{user}
error_log {work}/error.log;
pid {work}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {work}/body;
  proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi;
  scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location ~ ^/(?<z>[0-9]+)/(?<x>[0-9]+)/(?<y>[0-9]+)\\.jpg$ {{
      fastcgi_param REQUEST_METHOD GET;
      fastcgi_param SERVER_NAME localhost;
      fastcgi_param SERVER_PORT {port};
      fastcgi_param SERVER_PROTOCOL HTTP/1.1;
      fastcgi_param SCRIPT_NAME /;
      fastcgi_param QUERY_STRING "map={work}/rgb.map&layers=rgb&mode=tile&tilemode=gmap&tile=$x+$y+$z";
      fastcgi_pass unix:{work}/mapserv.sock;
    }}
    location / {{ return 204; }}
  }}
}}
"""


def missing() -> str:
    """What is not installed; empty where everything is."""
    return ", ".join(name for name in PROGRAMS if not _program(name))


@contextmanager
def served(folder: Path, port: int) -> Iterator[Server]:
    """One process over the RGB bands of a folder, with as much block cache as we have."""
    with tempfile.TemporaryDirectory(prefix="mapserver-") as name:
        work = Path(name)
        work.chmod(0o755)
        (work / "rgb.vrt").write_text(_mosaic(folder))
        (work / "rgb.map").write_text(_MAP.format(work=work, crs=CRS.lower()))
        (work / "mapserver.conf").write_text('CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n')
        user = "user root;" if os.getuid() == 0 else ""
        (work / "nginx.conf").write_text(_NGINX.format(work=work, port=port, user=user))
        settings = {
            "MAPSERVER_CONFIG_FILE": str(work / "mapserver.conf"),
            "GDAL_CACHEMAX": "512",
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        }
        renderer = subprocess.Popen(
            [_program("spawn-fcgi"), "-n", "-s", str(work / "mapserv.sock"), "--", _program("mapserv")],
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with _Behind([_program("nginx"), "-c", str(work / "nginx.conf")], port, renderer.pid) as server:
                yield server
        finally:
            renderer.kill()  # it would wait for another request before it ends
            renderer.wait()


class _Behind(Server):
    """nginx; what stands behind it counts too."""

    def __init__(self, command: list[str], port: int, renderer: int) -> None:
        super().__init__(command, port, {})
        self.renderer = renderer

    def pids(self) -> list[int]:
        return [*super().pids(), self.renderer]


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/cgi-bin") or ""


def _mosaic(folder: Path) -> str:
    """A VRT of three bands side by side."""
    with rasterio.open(folder / f"{RGB[0]}.tif") as dataset:
        width, height, place = dataset.width, dataset.height, dataset.transform.to_gdal()
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{number}"><NoDataValue>0</NoDataValue><SimpleSource>'
        f"<SourceFilename>{folder / f'{name}.tif'}</SourceFilename><SourceBand>1</SourceBand>"
        f'<SourceProperties RasterXSize="{width}" RasterYSize="{height}" DataType="UInt16" BlockXSize="512" '
        f'BlockYSize="512"/><SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
        f'<DstRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/></SimpleSource></VRTRasterBand>'
        for number, name in enumerate(RGB, 1)
    )
    where = ", ".join(map(str, place))
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>{CRS}</SRS>'
        f"<GeoTransform>{where}</GeoTransform>{bands}</VRTDataset>"
    )

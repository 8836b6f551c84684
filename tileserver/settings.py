"""One frozen Settings, read once in cli or app. Every field is an environment variable TILESERVER_<FIELD>."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tileserver.cores import cores


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "tilescope" if base else Path.home() / ".cache" / "tilescope"


class Settings(BaseSettings):
    """Everything an operator can set. Sizes in bytes, times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="TILESERVER_", frozen=True, extra="ignore")

    catalog: str = Field(
        "",
        description="sqlite:///relative, sqlite:////absolute or postgresql://…; empty: in the cache folder",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where pixels are made")
    cache_dir: Path = Field(default_factory=_user_cache, description="index, tile cache, finished films")
    cogs_dir: Path | None = Field(
        None,
        description="where `ingest` puts the COGs it makes; empty: beside an SQLite catalog, else in cache_dir",
    )
    public_url: str = Field("", description="address of this server as clients see it; empty: from the request")
    block_cache_bytes: int = Field(512 << 20, ge=0, description="memory for decoded blocks, of each process")
    tile_cache_bytes: int = Field(256 << 20, ge=0, description="memory for encoded tiles, of each process")
    tile_cache_dir_bytes: int = Field(0, ge=0, description="disk for encoded tiles; 0: none")
    redis_url: str = Field("", description="second level of the tile cache and shared jobs; empty: none")
    threads: int = Field(0, ge=0, description="rendering threads of each process; 0: as many as cores")
    queue_limit: int = Field(512, ge=1, description="tiles waiting before 503 is answered")
    jpeg_quality: int = Field(85, ge=1, le=100, description="JPEG quality")
    webp_quality: int = Field(80, ge=1, le=100, description="WebP quality")
    background: str = Field("#ffffff", pattern="^#[0-9a-fA-F]{6}$", description="colour of nodata in JPEG")
    max_pixels: int = Field(25_000_000, ge=65536, description="largest picture or coverage in pixels")
    max_items: int = Field(60, ge=1, description="items composed in one picture of an interval")
    max_frames: int = Field(300, ge=1, description="frames of one time lapse")
    max_vertices: int = Field(10_000, ge=4, description="vertices of a drawn area")
    max_jobs: int = Field(8, ge=1, description="time lapses waiting or running")
    job_hours: float = Field(24, gt=0, description="how long finished films are kept")
    latest_max_age: int = Field(30, ge=0, description="how long 'latest' answers may be cached")
    rescan_seconds: float = Field(
        10, gt=0, description="how often served folders are looked at where the system gives no notice"
    )
    downloads: bool = Field(True, description="may visitors download the files themselves")
    tile_matrix_sets: Path | None = Field(
        None, description="folder with further tile matrix sets, one OGC JSON file each"
    )
    basemaps: str = Field("", description="JSON list of base maps for the viewer: [{title, url, attribution}]")
    viewer_dir: Path | None = Field(None, description="another build of the viewer")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    log_format: Literal["text", "json"] = Field("text", description="log lines for people or for machines")
    contact_name: str = Field("", description="service provider in capabilities")
    contact_email: str = Field("", description="service contact in capabilities")
    title: str = Field("Tilescope", description="the service's name in the viewer and in capabilities")

    def rendering_threads(self) -> int:
        """As set, else as many as there are cores."""
        return self.threads or cores()

    def scratch(self) -> Path:
        """A folder that can be written: the cache folder, else a temporary one."""
        for folder in (self.cache_dir, Path(tempfile.gettempdir()) / f"tilescope-{os.getuid()}"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError:
                continue
            if os.access(folder, os.W_OK):
                return folder
        return Path(tempfile.mkdtemp(prefix="tilescope-"))

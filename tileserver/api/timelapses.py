"""`POST /timelapses`, `/jobs/{id}`, `/timelapses/{id}.{ext}`: films, made in the background."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.api.queries import lonlat_bbox, style_of
from tileserver.api.series import interval_of
from tileserver.days import days_of
from tileserver.errors import InvalidParameter, NotFound, TooLarge
from tileserver.extent import MERCATOR, crs_named
from tileserver.film.encoder import MEDIA_TYPES, Format
from tileserver.job_store import Job, open_store
from tileserver.jobs import Jobs
from tileserver.models import Bbox, Collection
from tileserver.timelapse import FilmRequest, film_grid, make_film
from tileserver.times import Time, parse_time

_SECONDS = 5.0
"""How long a request waits for clouds that nobody counted yet."""
_FASTEST = 60
_NEVER = datetime.min.replace(tzinfo=UTC)


class FilmBody(BaseModel):
    """What a film shall show."""

    model_config = ConfigDict(str_max_length=2000)

    collection: str
    style: str
    bbox: list[float] | str
    """West, south, east, north in degrees."""
    dates: list[str] | None = Field(None, description="the frames; else all days of `datetime`")
    datetime: str | None = Field(None, description="an interval; nothing: everything there is")
    width: int = 1024
    fps: Annotated[float, Field(gt=0, le=_FASTEST)] = 4
    format: Format = "mp4"
    caption: str | None = Field(None, max_length=200, description="instead of the titles; empty: none")
    max_cloud: float | None = Field(
        None,
        ge=0,
        le=100,
        validation_alias=AliasChoices("max_cloud", "max-cloud"),
        description="percent in the area: cloudier days of an interval are left out",
    )
    min_cover: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0,
        validation_alias=AliasChoices("min_cover", "min-cover"),
        description="share of the area: days that show less of it are left out of an interval",
    )
    crs: str = MERCATOR
    lang: str = "en"
    legend: bool = True
    expression: str = Field("", description="for the style custom, as on tiles")
    assets: list[str] | str = ""
    rescale: str = ""
    colormap_name: str = ""

    @field_validator("bbox")
    @classmethod
    def _text(cls, value: list[float] | str) -> str:
        return value if isinstance(value, str) else ",".join(str(number) for number in value)


def router(parts: Parts) -> APIRouter:
    """Asking for films, watching them, fetching them."""
    settings = parts.settings
    seconds = settings.job_hours * 3600
    store = open_store(settings.scratch() / "timelapses", settings.redis_url, seconds)
    jobs = Jobs(store, settings.max_jobs, seconds)
    routes = APIRouter(tags=["Time lapses"])

    @routes.post("/timelapses", status_code=202, summary="Make a film", response_class=Response)
    def ask(body: FilmBody, request: Request) -> Response:
        """202 with a job; `/jobs/{id}` tells its progress and, when it is done, the film's address."""
        wanted = film_of(parts, body)
        suffix = MEDIA_TYPES[wanted.format]
        job = jobs.submit(
            "timelapse",
            wanted.format,
            suffix,
            lambda path, say: make_film(parts.renderer, wanted, path, say),
        )
        answer = status(job, base_address(request, settings)) | {"frames": len(wanted.times)}
        headers = {"Location": f"{base_address(request, settings)}/jobs/{job.id}"}
        return json_response(answer, 202, headers)

    @routes.get("/jobs/{job_id}", summary="Progress of a job", response_class=Response)
    def look(job_id: str, request: Request) -> Response:
        answer = json_response(status(jobs.job(job_id), base_address(request, settings)))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.delete("/jobs/{job_id}", summary="Cancel a job, remove its result", response_class=Response)
    def cancel(job_id: str, request: Request) -> Response:
        return json_response(status(jobs.cancel(job_id), base_address(request, settings)))

    @routes.get("/timelapses/{name}", summary="A finished film", response_class=Response)
    def film(name: str) -> Response:
        path, job = jobs.result(name)
        day = datetime.fromtimestamp(job.created, UTC).date()
        return FileResponse(
            path,
            media_type=job.media_type,
            filename=f"timelapse-{day}.{path.suffix[1:]}",
            content_disposition_type="inline",
            headers={"Cache-Control": "public, max-age=3600"},
        )

    return routes


def status(job: Job, base: str) -> dict[str, Any]:
    """A job as OGC API Processes tells it, with progress from 0 to 1."""
    answer: dict[str, Any] = {
        "id": job.id,
        "jobID": job.id,
        "type": "process",
        "processID": job.kind,
        "status": job.status,
        "progress": round(job.progress, 3),
        "message": job.message,
        "created": _moment(job.created),
        "expires": _moment(job.expires),
    }
    links = [{"rel": "self", "type": "application/json", "href": f"{base}/jobs/{job.id}"}]
    if job.status == "successful":
        answer["href"] = f"{base}/timelapses/{job.result}"
        links.append({
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/results",
            "type": job.media_type,
            "href": answer["href"],
        })  # fmt: skip
    return answer | {"links": links}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).isoformat().replace("+00:00", "Z")


def film_of(parts: Parts, body: FilmBody) -> FilmRequest:
    """The film that a body asks for. Raises InvalidParameter, NotFound, TooLarge."""
    collection = parts.catalog.collection(body.collection)
    bbox = lonlat_bbox(str(body.bbox))
    if bbox is None:
        raise InvalidParameter("bbox", "", "west,south,east,north in degrees")
    assets = body.assets if isinstance(body.assets, str) else ",".join(body.assets)
    query = {
        "expression": body.expression,
        "assets": assets,
        "rescale": body.rescale,
        "colormap_name": body.colormap_name,
    }
    style = style_of(parts, collection, body.style, QueryParams({k: v for k, v in query.items() if v}))
    grid = film_grid(bbox, crs_named(body.crs), body.width)
    times = _times(parts, collection, bbox, body)
    if len(times) > parts.settings.max_frames:
        raise TooLarge("Frames of the film", len(times), parts.settings.max_frames)
    return FilmRequest(
        collection=collection,
        style=style,
        times=times,
        bbox=bbox,
        grid=grid,
        fps=Fraction(body.fps).limit_denominator(1000),
        format=body.format,
        caption=body.caption,
        language=body.lang,
        legend=body.legend,
    )


def _times(parts: Parts, collection: Collection, bbox: Bbox, body: FilmBody) -> tuple[Time, ...]:
    """The dates given, each once and in order of time, or the days of the interval within the limits."""
    if body.dates is not None:
        if not body.dates:
            raise InvalidParameter("dates", "[]", "one date or more, or leave it out")
        if len(body.dates) > parts.settings.max_frames:
            raise TooLarge("Frames of the film", len(body.dates), parts.settings.max_frames)
        times = {parse_time(text, "dates") for text in body.dates}
        if not all(time.explicit for time in times):
            raise InvalidParameter("dates", body.dates, "dates, instants or closed intervals")
        return tuple(sorted(times, key=lambda time: (time.start or _NEVER, time.end or _NEVER)))
    interval = interval_of(body.datetime)
    days, _ = days_of(parts.catalog, parts.survey, collection, bbox, interval, _SECONDS)
    limit = 100.0 if body.max_cloud is None else body.max_cloud
    chosen = [
        day
        for day in days
        if day.share.cover > 0 and day.share.cover >= body.min_cover and (day.share.cloud or 0.0) <= limit
    ]
    if not chosen:
        raise NotFound("day with an image within the limits in", ",".join(str(edge) for edge in bbox))
    return tuple(parse_time(day.date.isoformat()) for day in chosen)

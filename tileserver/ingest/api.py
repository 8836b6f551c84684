"""An external STAC API, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tileserver.collections import rfc3339
from tileserver.errors import InvalidParameter
from tileserver.ingest.report import Report
from tileserver.models import Bbox

Interval = tuple[datetime | None, datetime | None]


def search(
    url: str,
    collection_id: str,
    report: Report,
    *,
    bbox: Bbox | None = None,
    interval: Interval | None = None,
    max_cloud: float | None = None,
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Items of one collection, each with the collection. Raises InvalidParameter when the API does not answer."""
    from pystac_client import Client
    from pystac_client.exceptions import APIError

    try:
        client = Client.open(url)
        described = client.get_collection(collection_id)
        if described is None:
            raise KeyError(collection_id)  # told below like every other wrong answer
        collection = described.to_dict()
        found = client.search(
            collections=[collection_id],
            bbox=list(bbox) if bbox else None,
            datetime=_text(interval),
            limit=200,
        )
        matched = found.matched()
        report.begin(f"{collection_id} of {url}", matched or 0)
        for item in found.items_as_dicts():
            cloud = (item.get("properties") or {}).get("eo:cloud_cover")
            # Filtered here: not every API can.
            if max_cloud is None or cloud is None or cloud <= max_cloud:
                yield item, collection
            else:
                report.advance()
    except (APIError, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidParameter(
            "API_URL", url, f"the address of a STAC API with collection '{collection_id}'"
        ) from error
    except Exception as error:
        # pystac has its own tree of errors for answers that are no STAC.
        if type(error).__module__.startswith(("pystac", "requests")):
            raise InvalidParameter("API_URL", url, "the address of a STAC API") from error
        raise


def _text(interval: Interval | None) -> str | None:
    if interval is None:
        return None
    start, end = (rfc3339(moment) or ".." for moment in interval)
    return f"{start}/{end}"

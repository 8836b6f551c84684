"""Entity tags."""

from __future__ import annotations


def matches(if_none_match: str | None, etag: str) -> bool:
    """Does an If-None-Match header name the ETag?"""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags

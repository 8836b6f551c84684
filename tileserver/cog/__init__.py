"""Our own reader of (Cloud Optimized) GeoTIFF: headers, bytes, codecs, blocks."""

from tileserver.cog.file import Cog, Level, Unsupported, open_cog

__all__ = ["Cog", "Level", "Unsupported", "open_cog"]

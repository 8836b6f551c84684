"""Our own reader of (Cloud Optimized) GeoTIFF: headers, bytes, codecs, blocks."""

from tileserver.cog.block import Block
from tileserver.cog.codecs import BlockError
from tileserver.cog.description import Unsupported
from tileserver.cog.file import Cog, Level, open_cog

__all__ = ["Block", "BlockError", "Cog", "Level", "Unsupported", "open_cog"]

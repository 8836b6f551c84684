"""OGC's own schemas, offline: MapProxy carries them among its tests."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from lxml import etree

_FILES = {
    "{http://www.opengis.net/wmts/1.0}Capabilities": "wmts/1.0/wmtsGetCapabilities_response.xsd",
    "{http://www.opengis.net/ows/1.1}ExceptionReport": "ows/1.1.0/owsExceptionReport.xsd",
    "{http://www.opengis.net/wms}WMS_Capabilities": "wms/1.3.0/capabilities_1_3_0.xsd",
    "{http://www.opengis.net/ogc}ServiceExceptionReport": "wms/1.3.0/exceptions_1_3_0.xsd",
    "WMT_MS_Capabilities": "wms/1.1.1/capabilities_1_1_1.dtd",
    "ServiceExceptionReport": "wms/1.1.1/exception_1_1_1.dtd",
}


@lru_cache
def folder() -> Path:
    spec = importlib.util.find_spec("mapproxy")
    assert spec is not None, "the test group's mapproxy is not installed: pip install --group dev"
    return Path(str(spec.origin)).parent / "test" / "schemas"


class _Local(etree.Resolver):
    """schemas.opengis.net and w3.org from the folder; nothing from the network."""

    def resolve(self, url, _id, context):
        if found := re.match(r"https?://schemas\.opengis\.net/(.*)", url):
            return self.resolve_filename(str(folder() / found[1]), context)
        if re.match(r"https?://www\.w3\.org/.*xml\.xsd", url):
            return self.resolve_filename(str(folder() / "xml.xsd"), context)
        if re.match(r"https?://www\.w3\.org/.*xlink.*", url):
            return self.resolve_filename(str(folder() / "xlink" / "1.0.0" / "xlinks.xsd"), context)
        return None


@lru_cache
def _schema(root: str):
    path = folder() / _FILES[root]
    if path.suffix == ".dtd":
        return etree.DTD(str(path))
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    text = path.read_bytes()
    if "wmts" in _FILES[root]:  # OGC's erratum of 2011: rows and columns may be 0
        text = re.sub(rb'(name="M(?:in|ax)Tile(?:Row|Col)" type=")positiveInteger', rb"\1nonNegativeInteger", text)
    return etree.XMLSchema(etree.fromstring(text, parser, base_url=str(path)))


def validated(content: bytes) -> etree._Element:
    """The document's root, valid against the schema of its kind."""
    document = etree.fromstring(content, etree.XMLParser(no_network=True, resolve_entities=False))
    schema = _schema(str(document.tag))
    assert schema.validate(document), "\n".join(str(error) for error in list(schema.error_log)[:5])
    return document

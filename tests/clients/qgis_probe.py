"""Runs in QGIS's own Python: opens layers from a list of tasks (JSON on stdin), says what it saw (JSON on stdout).

A task: {"uri" or "qlr", "provider", "extent": [w, s, e, n] in degrees, "crs", "time", "points": [[lon, lat], …],
"identify": [lon, lat]}. An answer: {"valid", "error", "crs", "temporal", "values", "colors", "statuses", "problems",
"identified", "requests"}.
"""

import json
import os
import sys
import tempfile

scratch = tempfile.mkdtemp(prefix="qgis-probe-")
os.environ.update(
    QT_QPA_PLATFORM="offscreen", QGIS_CUSTOM_CONFIG_PATH=scratch, XDG_CACHE_HOME=scratch, XDG_RUNTIME_DIR=scratch
)

from qgis.core import (  # noqa: E402
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDateTimeRange,
    QgsLayerDefinition,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsNetworkAccessManager,
    QgsNetworkReplyContent,
    QgsPointXY,
    QgsProject,
    QgsRaster,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QDateTime, QEventLoop, QSize, Qt, QTimer  # noqa: E402
from qgis.PyQt.QtGui import QColor  # noqa: E402

SIZE = 400
DEGREES = QgsCoordinateReferenceSystem("EPSG:4326")
requests, problems = [], []


def to(crs):
    return QgsCoordinateTransform(DEGREES, crs, QgsProject.instance())


def moment(text):
    return QDateTime.fromString(text if "T" in text else text + "T00:00:00Z", Qt.ISODate)


def draw(layer, task, crs):
    """Colours at the task's points."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(crs)
    settings.setExtent(to(crs).transformBoundingBox(QgsRectangle(*task["extent"])))
    settings.setOutputSize(QSize(SIZE, SIZE))
    settings.setBackgroundColor(QColor(0, 0, 0, 0))
    if task.get("time"):
        layer.temporalProperties().setIsActive(True)
        settings.setIsTemporal(True)
        settings.setTemporalRange(QgsDateTimeRange(moment(task["time"]), moment(task["time"])))
    job = QgsMapRendererParallelJob(settings)
    loop = QEventLoop()
    job.finished.connect(loop.quit)
    QTimer.singleShot(60000, loop.quit)
    job.start()
    loop.exec_()
    problems.extend(error.message for error in job.errors())
    picture, colors = job.renderedImage(), []
    for lon, lat in task["points"]:
        place = settings.mapToPixel().transform(to(crs).transform(QgsPointXY(lon, lat)))
        found = picture.pixelColor(int(place.x()), int(place.y()))
        colors.append([found.red(), found.green(), found.blue(), found.alpha()])
    return colors


def identify(layer, task, crs):
    """Attributes of the features at a place."""
    place = to(layer.crs()).transform(QgsPointXY(*task["identify"]))
    box = to(layer.crs()).transformBoundingBox(QgsRectangle(*task["extent"]))
    result = layer.dataProvider().identify(place, QgsRaster.IdentifyFormatFeature, box, SIZE, SIZE)
    if not result.isValid():
        return {"error": result.error().message()}
    for stores in result.results().values():
        for store in stores:
            for feature in store.features():
                names = [field.name() for field in feature.fields()]
                return {name: str(value) for name, value in zip(names, feature.attributes(), strict=False)}
    return {"error": "nothing found"}


def layers_of(task):
    if "qlr" not in task:
        return [QgsRasterLayer(task["uri"], "layer", task.get("provider", "wms"))]
    project = QgsProject.instance()
    project.clear()
    QgsLayerDefinition.loadLayerDefinition(task["qlr"], project, project.layerTreeRoot())
    return [node.layer() for node in project.layerTreeRoot().findLayers()]


def answer(task):
    requests.clear()
    problems.clear()
    layers = layers_of(task)
    layer = layers[0]
    if not layer.isValid():
        return {"valid": False, "error": layer.error().message(), "problems": list(problems)}
    crs = QgsCoordinateReferenceSystem(task["crs"]) if task.get("crs") else layer.crs()
    temporal = layer.dataProvider().temporalCapabilities()
    found = {
        "valid": all(one.isValid() for one in layers),
        "names": [one.name() for one in layers],
        "crs": layer.crs().authid(),
        "temporal": bool(temporal and temporal.hasTemporalCapabilities()),
        "active": layer.temporalProperties().isActive(),
        "colors": draw(layer, task, crs),
    }
    if task.get("identify"):
        found["identified"] = identify(layer, task, crs)
    for _ in range(5):
        QgsApplication.processEvents()
    found["statuses"] = sorted({status for status, _ in requests})
    found["requests"] = [url for _, url in requests]
    found["problems"] = list(problems)
    return found


def main():
    application = QgsApplication([], False)
    application.initQgis()

    def logged(message, tag, level):
        if level in (Qgis.Warning, Qgis.Critical) and ("WMS" in tag or "Network" in tag):
            problems.append(f"{tag}: {message}")

    def finished(reply):
        requests.append((reply.attribute(0), reply.request().url().toString()))

    application.messageLog().messageReceived.connect(logged)
    QgsNetworkAccessManager.instance().finished[QgsNetworkReplyContent].connect(finished)
    answers = [answer(task) for task in json.load(sys.stdin)]
    print("ANSWERS" + json.dumps(answers), flush=True)
    os._exit(0)  # QGIS may crash while it shuts down without a screen


main()

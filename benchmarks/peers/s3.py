"""An S3 server on this machine that counts what is asked of it: python -m benchmarks.peers.s3 PORT BUCKET FOLDER."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock, Thread
from typing import Any

COUNTS = "/counts"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}


def settings(port: int) -> dict[str, str]:
    """Environment with which obstore and GDAL find the server."""
    return {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_S3_ENDPOINT": f"127.0.0.1:{port}",
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }


class Counting:
    """WSGI around the server: requests and bytes of answers, told and set to nought at COUNTS."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = Lock()
        self._requests = self._bytes = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == COUNTS:
            with self._lock:
                told = json.dumps({"requests": self._requests, "bytes": self._bytes}).encode()
                self._requests = self._bytes = 0
            start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(told)))])
            return [told]

        def counted(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            with self._lock:
                self._requests += 1
                self._bytes += 0 if environ["REQUEST_METHOD"] == "HEAD" else length
            return start(status, headers, *rest)

        return self._app(environ, counted)


def main() -> None:
    import boto3
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    port, bucket, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    app = Counting(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", port, app, threaded=True)
    Thread(target=server.serve_forever).start()
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="key", aws_secret_access_key="secret",
        region_name="us-east-1",
    )  # fmt: skip
    client.create_bucket(Bucket=bucket)
    for path in sorted(folder.rglob("*.tif")):
        client.upload_file(str(path), bucket, str(path.relative_to(folder)))


if __name__ == "__main__":
    main()

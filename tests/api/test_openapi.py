"""Whatever the OpenAPI document allows or forbids: an answer or a clear 4xx, never a 500, always CORS."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, given, settings

ALLOWED = {200, 202, 204, 206, 304, 400, 404, 405, 406, 409, 413, 415, 501}


BUDGET = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def check(client, case) -> None:
    """One generated request and what every answer must be."""
    headers = {str(k): str(v) for k, v in (case.headers or {}).items() if str(v).isascii() and str(v).isprintable()}
    arguments = {"params": case.query or None, "headers": headers}
    if case.body is not None and not isinstance(case.body, schemathesis.core.NotSet):
        arguments["json"] = case.body
    response = client.request(case.method, case.formatted_path, **arguments)
    said = f"{case.method} {case.formatted_path} {case.query} {case.body}: {response.status_code} {response.text[:300]}"
    assert response.status_code in ALLOWED, said
    assert response.headers.get_list("access-control-allow-origin") == ["*"], said
    if response.content and response.status_code >= 400 and "json" in response.headers.get("content-type", ""):
        assert {"code", "detail"} <= set(response.json()), said
    assert "Traceback" not in response.text[:2000], said


def test_every_operation_survives(client):
    schema = schemathesis.openapi.from_dict(client.get("/api").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:

        @BUDGET
        @given(case=operation.as_strategy())
        def survives(case) -> None:
            check(client, case)

        survives()

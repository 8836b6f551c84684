"""`/docs`: the OpenAPI document as a page. Made on the server, so that nothing is loaded from elsewhere."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ api.info.title }}: the API</title>
<style>
:root { --ink: #10211d; --soft: #4c5f59; --paper: #fbfcfa; --line: #dde4e0; --accent: #0d7a5f }
:root { color-scheme: light dark }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9f1ed; --soft: #a3b5ae; --paper: #101816; --line: #2a3a35; --accent: #34c79b }
}
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--paper); color: var(--ink) }
body { font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0 } h2 { margin: 2.5rem 0 .5rem }
details { border-top: 1px solid var(--line) } summary { cursor: pointer; padding: .75rem 0 }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere } .method { color: var(--accent); font-weight: 650 }
table { width: 100%; border-collapse: collapse; margin: .25rem 0 1rem; font-size: .92em }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line) }
th { color: var(--soft) }
p { color: var(--soft); margin: .25rem 0 .75rem } a { color: var(--accent) }
</style>
<h1>{{ api.info.title }}</h1>
<p>{{ api.info.description }} The same as <a href="/api">OpenAPI JSON</a>. <a href="/">Open the viewer</a>.</p>
{% for tag, operations in groups.items() %}
<h2>{{ tag }}</h2>
{% for o in operations %}
<details><summary><span class="method">{{ o.method }}</span> <code>{{ o.path }}</code> {{ o.summary }}</summary>
{% if o.description %}<p>{{ o.description }}</p>{% endif %}
{% if o.parameters %}<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>
{% for p in o.parameters %}<tr><td><code>{{ p.name }}</code></td><td>{{ p.in }}</td><td>{{ p.description }}
{% if p.schema.enum %}<code>{{ p.schema.enum | join(", ") }}</code>{% endif %}</td></tr>{% endfor %}</table>{% endif %}
</details>
{% endfor %}{% endfor %}
</html>
"""


def docs_page(api: dict[str, Any]) -> str:
    """The whole page as HTML, everything escaped."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            entry = {
                "parameters": [],
                "description": "",
                "summary": "",
                **operation,
                "path": path,
                "method": method.upper(),
            }
            groups.setdefault((operation.get("tags") or ["Other"])[0], []).append(entry)
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    return template.render(api=api, groups=groups)

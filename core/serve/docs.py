"""What the API says about itself: OpenAPI at /api/openapi.json, and a page made of it that needs no other server.

Swagger UI would fetch its scripts from a content network; this page is plain HTML, written here.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from core import limits
from core.data.frames import FRAME_RULE
from core.figures.text import NOT_A_DIAGNOSIS
from core.registry.explanations import QUICK
from core.serve.replies import Reply

DESCRIPTION = (
    "Predictions of the models in models/, with heat maps. Pictures are read from memory and kept nowhere. "
    f"A request may have {limits.MAX_REQUEST_BYTES // 1024**2} MB and {limits.MAX_FILES_PER_REQUEST} files. "
    'An error is {"error": "one sentence"}, in Spanish where Accept-Language begins with es; of status 500 and above '
    f'it has an "incident", which the log of the server explains. {NOT_A_DIAGNOSIS}'
)
_TEXT = {"type": "string"}
_FILE = {"type": "string", "format": "binary"}
_MODEL = {"type": "string", "description": "A name of GET /api/models; the first one by default."}
_TARGET = {"type": "string", "description": "The class to explain; the positive class, or the most probable."}
_STRENGTH = {"type": "number", "minimum": 0, "maximum": 1, "default": 0.55, "description": "Opacity of full heat."}
_FRAME = {"type": "string", "description": f"Of DICOM and NIfTI files: {FRAME_RULE}; else the middle one."}
_ERROR = {
    "description": "Refused, in one sentence.",
    "content": {"application/json": {"schema": {"type": "object", "properties": {"error": _TEXT, "incident": _TEXT}}}},
}
_REFUSALS = {str(code): _ERROR for code in (400, 401, 403, 404, 408, 413, 415, 422, 431, 500, 503)}


def _form(properties: Mapping[str, object], required: str) -> dict[str, object]:
    schema = {"type": "object", "properties": properties, "required": [required]}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _route(summary: str, answer: str, example: object = None, **more: object) -> dict[str, Any]:
    """Keyword arguments of a FastAPI route: what OpenAPI says of it."""
    content = {"application/json": {"example": example}} if example is not None else {}
    responses = {"200": {"description": answer, "content": content}, **_REFUSALS}
    return {"summary": summary, "openapi_extra": {"responses": responses, **more}}


_MAP = {"rows": 7, "columns": 7, "is_empty": False, "values": [[0.0, 0.31], [0.52, 1.0]]}
_PREDICTION = {
    "file": "picture.jpg", "width": 1024, "height": 1024, "format": "JPEG",
    "probabilities": {"No nodule": 0.08, "Nodule": 0.92},
    "decided": ["Nodule"], "verdict": "positive", "explanation": {"method": "Grad-CAM", "layer": "block4_out"},
    "maps": {"Nodule": _MAP},
    "overlay": {"class": "Nodule", "strength": 0.55, "is_empty": False, "png_base64": "iVBORw0KGgo…"},
}  # fmt: skip
EXTRA: dict[str, dict[str, Any]] = {
    "health": _route(
        "Whether the server is there, and what it has loaded", "The state of the process.",
        {"status": "ok", "version": "0.6.0", "tensorflow_loaded": False, "models_loaded": ["phantom-nodule"]},
    ),
    "models": _route(
        "The models, their classes, cuts, training data and limits", "One short card per model, by name.",
        {"notice": NOT_A_DIAGNOSIS, "models": [{"name": "phantom-nodule", "classes": ["No nodule", "Nodule"]}]},
    ),
    "predict": _route(
        "Predict one or several pictures",
        "One entry per picture, in the order sent; a picture that cannot be used has its error in its place. "
        "When none can be used the status is 422.",
        {"notice": NOT_A_DIAGNOSIS, "model": "phantom-nodule", "engine": "ONNX Runtime", "predictions": [_PREDICTION]},
        requestBody=_form(
            {
                "files": {"type": "array", "items": _FILE, "description": "Also as 'file'; ZIPs too."},
                "model": _MODEL,
                "explain": {
                    "type": "string", "enum": ["none", "maps", *QUICK], "default": "none",
                    "description": "maps: the cells of every class's Grad-CAM; a method: its cells, and the overlay as "
                    "PNG. scorecam and occlusion predict a hundred times: about a second.",
                },
                "target": _TARGET,
                "strength": _STRENGTH,
                "frame": _FRAME,
            },
            "files",
        ),
    ),
    "overlay": {
        "summary": "The picture with a class's Grad-CAM over it, as PNG",
        "openapi_extra": {
            "responses": {"200": {"description": "The overlay.", "content": {"image/png": {}}}, **_REFUSALS},
            "requestBody": _form(
                {"file": _FILE, "model": _MODEL, "target": _TARGET, "strength": _STRENGTH, "frame": _FRAME},
                "file",
            ),
        },
    },
    "live": _route(
        "One camera frame: probabilities in class order, and one map as its cells",
        "The body is the picture itself, no form.",
        {"model": "phantom-nodule", "classes": ["No nodule", "Nodule"], "probabilities": [0.08, 0.92],
         "verdict": "positive", "map": {"class": "Nodule", "method": "Grad-CAM",
         "layer": "block4_out", **_MAP}, "fitted": "stretch", "server_ms": 9.1},
        requestBody={"required": True, "content": {"image/jpeg": {"schema": _FILE}, "image/png": {"schema": _FILE}}},
    ),
    "video_frame": _route(
        "One frame, as the interface published by Silva and Cuevas 2024",
        "Every class, the most probable first.",
        {"detections": [{"class": "Nodule", "confidence": 0.92}, {"class": "No nodule", "confidence": 0.08}]},
        requestBody=_form({"file": _FILE}, "file"),
    ),
    "docs": _route("This page", "HTML."),
}  # fmt: skip

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#16212b}"
    "h2{margin-top:2.2rem;font-size:1.15rem}code,pre{font:.9rem ui-monospace,monospace;background:#f2f6f9}"
    "pre{padding:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "table{border-collapse:collapse}td{padding:.15rem 1rem .15rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#10171e;color:#e6edf3}code,pre{background:#19232d}"
    "a{color:#7cc0e8}}"
)


def docs_page(schema: Mapping[str, Any]) -> Reply:
    """The OpenAPI document as one HTML page without scripts."""
    import json

    body = [f"<h1>{escape(schema['info']['title'])} HTTP API</h1><p>{escape(schema['info']['description'])}</p>"]
    body.append('<p>For programs: <a href="/api/openapi.json">/api/openapi.json</a> (OpenAPI).</p>')
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            body.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(route['summary'])}.</p>")
            rows = [(p["name"], "query", p.get("description", "")) for p in route.get("parameters", [])]
            for kind, content in route.get("requestBody", {}).get("content", {}).items():
                fields = content["schema"].get("properties")
                rows += [(n, "form field", _about(f)) for n, f in fields.items()] if fields else [("body", kind, "")]
            cells = ("".join(f"<td>{escape(str(c))}</td>" for c in row) for row in rows)
            body.append(f"<table>{''.join(f'<tr>{line}</tr>' for line in cells)}</table>")
            good = route["responses"]["200"]
            body.append(f"<p>Answer: {escape(good['description'])}</p>")
            for content in good.get("content", {}).values():
                if "example" in content:
                    text = json.dumps(content["example"], indent=2, ensure_ascii=False)
                    body.append(f"<pre>{escape(text)}</pre>")
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>MedLens HTTP API</title><style>{_STYLE}</style>{''.join(body)}</html>"
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
    }
    return 200, headers, page.encode()


def _about(field: Mapping[str, Any]) -> str:
    options = f"one of {', '.join(field['enum'])}" if "enum" in field else str(field.get("format", field["type"]))
    return f"{options}. {field.get('description', '')}".strip()

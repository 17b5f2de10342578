"""The console's own files, and the documentation of both ways in without any other server."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.responses import Response as StarletteResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.web import mqtt_docs
from gateway.web.desk import OnDesk

router = APIRouter(include_in_schema=False)

STATIC = Path(str(files("gateway.web"))) / "static"
REVALIDATE = "no-cache"
"""Browsers keep it and ask each time whether it changed: one short answer, and never an old page with a new API."""

_TYPES = {".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
"""What the machine's own table of types may not know, or know wrongly."""


class Static(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> StarletteResponse:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = REVALIDATE
        kind = _TYPES.get(Path(path).suffix)
        if kind and response.status_code == 200:
            response.headers["Content-Type"] = kind
        return response


_NO_PAGE = HTMLResponse("<!doctype html><title>Anju</title><p>The console's pages are not installed; the API is at /docs.")

_DOCS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Anju API</title>
<link rel="icon" href="/static/favicon/calm.svg">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css"></head>
<body><div id="docs"></div>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
_DOCS_START = """SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });
"""


@router.get("/")
async def index() -> Response:
    page = STATIC / "index.html"
    return FileResponse(page, headers={"Cache-Control": REVALIDATE}) if page.is_file() else _NO_PAGE


@router.get("/rules")
async def rules() -> Response:
    """The supervisor's page; everything on it is asked of the API."""
    page = STATIC / "rules.html"
    return FileResponse(page, headers={"Cache-Control": REVALIDATE}) if page.is_file() else _NO_PAGE


@router.get("/channels")
async def channels() -> Response:
    return FileResponse(STATIC / "channels" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/care")
async def care() -> Response:
    return FileResponse(STATIC / "care" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/duty")
async def duty() -> Response:
    return FileResponse(STATIC / "duty" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/reports")
async def reports() -> Response:
    """The supervisor's month."""
    return FileResponse(STATIC / "reports" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/tests")
async def tests() -> Response:
    """For whoever stands at the devices; everything on it is asked of the API."""
    return FileResponse(STATIC / "ontest" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/silences")
async def silences() -> Response:
    """What is muted, under maintenance and on test."""
    return FileResponse(STATIC / "silences" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/drills")
async def drills() -> Response:
    """Plans drilled on simulated homes."""
    return FileResponse(STATIC / "drills" / "index.html", headers={"Cache-Control": REVALIDATE})


@router.get("/favicon.ico")
async def favicon() -> Response:
    return FileResponse(STATIC / "favicon" / "calm.svg", media_type="image/svg+xml", headers={"Cache-Control": REVALIDATE})


@router.get("/asyncapi.json")
async def asyncapi(desk: OnDesk) -> Response:
    return Response(desk.asyncapi, media_type="application/json")


@router.get("/docs")
async def docs() -> HTMLResponse:
    return HTMLResponse(_DOCS)


@router.get("/docs/mqtt")
async def docs_mqtt(desk: OnDesk) -> HTMLResponse:
    return HTMLResponse(mqtt_docs.page(desk.asyncapi))


@router.get("/docs/start.js")
async def docs_start() -> PlainTextResponse:
    return PlainTextResponse(_DOCS_START, media_type="text/javascript")

"""Our own style and script, under addresses that change with their content, so that a slow line loads them once."""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class StaticFiles:
    """A handful of small files, read once."""

    def __init__(self, directory: Path, *, prefix: str = "/static") -> None:
        self._files = {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix in _TYPES}
        self.urls = {
            name: f"{prefix}/{hashlib.sha256(content).hexdigest()[:10]}/{name}" for name, content in self._files.items()
        }

    def route(self, path: str = "/static") -> Route:
        """Give the route that serves them; `path` is the prefix without what the application is mounted under."""
        return Route(f"{path}/{{digest}}/{{name}}", self._serve, methods=["GET"])

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if self.urls.get(name) != request.url.path:
            return Response(status_code=404)
        headers = {"Cache-Control": "public, max-age=604800, immutable"}
        return Response(self._files[name], media_type=_TYPES[Path(name).suffix], headers=headers)

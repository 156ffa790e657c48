"""What both ports say while the installation is locked: the numbers to call, that nothing was stored, nothing else."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.web.security import SecurityHeaders

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PAGE = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>
<body>
<main>
<p>خطر فوری؟ زنگ بزنید: <a href="tel:110">110</a> <a href="tel:115">115</a> <a href="tel:123">123</a></p>
<p role="alert">{sentence}</p>
</main>
</body>
</html>
"""
_CITIZEN = "این صفحه اکنون پاسخ نمی‌دهد و چیزی که بنویسید نمی‌رسد. اگر کمک می‌خواهید، همین حالا 123 را بگیرید."
_STAFF = "سامانه قفل است. کلیدها در حافظه نیست و چیزی خوانده نمی‌شود. روی خود دستگاه با panah unlock باز می‌شود."


def build_locked(*, title: str, staff: bool, behind_tls: bool) -> Starlette:
    """Build the application of one port; every path and method gets the same answer."""
    text = _PAGE.format(title=title, sentence=_STAFF if staff else _CITIZEN)

    async def help_page(request: Request) -> Response:
        headers = {"Retry-After": "60"}
        if request.url.path.startswith("/hooks/") or request.url.path in {"/healthz", "/readyz", "/metrics"}:
            return Response(status_code=503, headers=headers)
        return HTMLResponse(text, status_code=503, headers=headers)

    return Starlette(
        routes=[Route("/{path:path}", help_page, methods=_METHODS)],
        middleware=[Middleware(SecurityHeaders, behind_tls=behind_tls)],
    )

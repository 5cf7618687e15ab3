"""What the server refuses whatever Gradio would do, and what it tells browsers never to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REFUSED = (
    "/gradio_api/file=http",
    "/gradio_api/proxy=",
    "/gradio_api/process_recording",
    "/gradio_api/stream/",
)
"""Fetching from other hosts, and decoding of what a visitor sends outside a process that can be killed."""

_HEADERS = {
    # Gradio writes scripts and styles into its page, and compiles the templates of its HTML components.
    b"content-security-policy": b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    b"font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'self'; form-action 'self'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
}


class Guard:
    """Stands before the server: an ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        """Stands before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request, or passes it on and adds headers to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(_REFUSED):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"This page does not serve that."})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_guarded)

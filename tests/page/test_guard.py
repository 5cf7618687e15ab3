from __future__ import annotations

import asyncio
from typing import Any

import pytest

from img.page.guard import Guard


def ask(path: str) -> list[dict[str, Any]]:
    """Asks an application behind the guard that answers 200 to everything."""
    sent: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(application)({"type": "http", "path": path}, None, send))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=https://example.org/a", "/gradio_api/process_recording", "/gradio_api/proxy=x"]
)
def test_what_reaches_other_hosts_or_decodes_in_the_server_is_refused(path: str) -> None:
    assert ask(path)[0]["status"] == 403


def test_browsers_are_told_to_load_nothing_from_elsewhere() -> None:
    start = ask("/")[0]
    assert start["status"] == 200
    policy = dict(start["headers"])[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy

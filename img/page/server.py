"""The page served: a folder for what visitors send, which goes with the server, and the limits of uploads."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from img.page.examples import Example
from img.page.guard import Guard
from img.page.retrieving import Retrieving
from img.page.service import Service, Shown
from img.page.visitors.limits import Limits
from img.page.visitors.sweeping import delete_old, repeating
from img.page.visitors.visits import Visits

# A visitor's folder has its own name of an upload at once; the upload's first name is for that moment only.
_SWEEP_SECONDS, _UPLOAD_SECONDS = 20.0, 120.0


def check_installed() -> None:
    """Checks that the page's extra is installed.

    Raises:
        ValueError: it is not.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ValueError("serve: needs Gradio, which is not installed; run pip install '.[page]'")


@contextmanager
def serving(
    open_retriever: Callable[[Path], Retrieving],
    examples: Sequence[Example],
    run: str,
    limits: Limits,
    host: str = "127.0.0.1",
    port: int | None = None,
) -> Iterator[str]:
    """Serves the page until the context ends; gives its address.

    Args:
        open_retriever: opens what answers; it is given a folder for arrays that goes when the server does.
        examples: sentences to try, whose videos visitors may see.
        run: what the run is called.
        limits: what visitors may ask.
        host: the address to listen at; only this machine can reach the default.
        port: the port; None for a free one from 7860.

    Raises:
        ValueError: Gradio is not installed.
        OSError: the port is taken.
    """
    check_installed()
    with tempfile.TemporaryDirectory(prefix="img-page-") as folder:
        root = Path(folder).resolve()
        visits: Visits[Shown] = Visits(root / "visits", limits.idle_minutes * 60)
        (root / "visits").mkdir(mode=0o700)
        settings = {"GRADIO_TEMP_DIR": str(root / "uploads"), "GRADIO_ANALYTICS_ENABLED": "False"}
        service = Service(open_retriever(root / "store"), visits, limits)

        def sweep() -> None:
            delete_old(root / "uploads", _UPLOAD_SECONDS)
            visits.forget_idle()

        with _environment(settings), repeating(sweep, _SWEEP_SECONDS):
            # Gradio reads its settings when it is imported and when it is started.
            from starlette.middleware import Middleware

            from img.page.layout import build_page, choose_theme

            page = build_page(service, examples, run)
            page.queue(default_concurrency_limit=None, max_size=200)
            _, url, _ = page.launch(
                server_name=host,
                server_port=port,
                share=False,
                quiet=True,
                inbrowser=False,
                prevent_thread_lock=True,
                max_file_size=int(limits.megabytes * 1e6),
                allowed_paths=[str(root / "visits"), *(str(example.path) for example in examples)],
                theme=choose_theme(),
                css=_read("page.css"),
                head=f"<script>{_read('page.js')}</script>",
                footer_links=["api"],
                ssr_mode=False,
                enable_monitoring=False,
                app_kwargs={"middleware": [Middleware(Guard)]},
            )
            try:
                yield url
            finally:
                page.close(verbose=False)


def _read(name: str) -> str:
    return files("img.page.drawing").joinpath("static", name).read_text(encoding="utf-8")


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

"""The page: player left, question and answers right, one timeline below; on a phone one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from img.data.videos import VIDEO_SUFFIXES
from img.models.protocol import AUTO
from img.page.drawing.rendering import render
from img.page.examples import Example
from img.page.handlers import Endpoints, Handlers, Parts
from img.page.service import Service

TITLE = "Moments in a video"

_SYSTEM_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
_SYSTEM_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


# The page tells its own progress. Of its events programs see none: they have endpoints of their own.
_EVENT: dict[str, Any] = {
    "show_progress": "hidden",
    "api_name": "page",
    "api_visibility": "private",
    "concurrency_limit": None,
}


def choose_theme() -> gr.themes.Base:
    """Returns the page's theme. Its fonts are those of the visitor's system: none is loaded."""
    theme = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        spacing_size="sm",
        font=_SYSTEM_FONTS,
        font_mono=_SYSTEM_MONO,
    )
    # Gradio's own subdued text is too faint to read.
    return theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )


def build_page(service: Service, examples: Sequence[Example], run: str) -> gr.Blocks:
    """Lays out the page and ties its events to a service.

    Args:
        service: what serves visitors.
        examples: sentences to try; maybe none.
        run: what the run is called, for the heading.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.HTML(render("heading.html.jinja", title=TITLE, run=run), padding=False)
        with gr.Row(elem_id="moments-main"):
            with gr.Column(scale=6, min_width=280):
                upload, player, another = _add_video(service)
            with gr.Column(scale=5, min_width=280):
                query, find = _add_question(service)
                status = gr.HTML(_begin(), padding=False, elem_id="moments-status")
                found = gr.HTML(padding=False, elem_id="moments-found")
                branch, answers = _add_options(service)
        timeline = gr.HTML(padding=False, elem_id="moments-below")
        parts = Parts(upload, player, another, status, query, find, found, timeline)
        handlers = Handlers(service, parts)
        _tie(handlers, parts, [query, branch, answers])
        _add_examples(handlers, parts, examples)
        page.unload(handlers.leave)
        _add_endpoints(Endpoints(service), service)
    return page


def _add_video(service: Service) -> tuple[gr.File, gr.HTML, gr.UploadButton]:
    endings = sorted(VIDEO_SUFFIXES)
    upload = gr.File(
        label=f"A video, up to {service.limits.megabytes:g} MB and {service.limits.minutes:g} minutes",
        file_types=endings,
        height=300,
        elem_id="moments-upload",
    )
    player = gr.HTML(visible=False, padding=False, elem_id="moments-player")
    another = gr.UploadButton(
        "Another video", file_types=endings, visible=False, size="sm", elem_id="moments-another"
    )
    for component in (upload, another):
        _take_files_only(component)
    return upload, player, another


def _take_files_only(component: gr.File | gr.UploadButton) -> None:
    """Has a component refuse addresses, which Gradio would fetch from other hosts."""
    move = component.async_move_resource_to_block_cache

    async def move_file(path: str | Path | None) -> str | None:
        if str(path).lower().startswith(("http:", "https:")):
            raise gr.Error("Send a file, not an address.", print_exception=False)
        return await move(path)

    setattr(component, move.__name__, move_file)


def _add_question(service: Service) -> tuple[gr.Textbox, gr.Button]:
    with gr.Row(elem_id="moments-ask", equal_height=False):
        query = gr.Textbox(
            label="What happens in the moment?",
            placeholder="a man opens the fridge",
            max_length=service.limits.letters,
            scale=1,
            elem_id="moments-query",
        )
        find = gr.Button(
            "Find", variant="primary", interactive=False, scale=0, min_width=84, elem_id="moments-find"
        )
    return query, find


def _add_options(service: Service) -> tuple[gr.Dropdown, gr.Slider]:
    with gr.Accordion("Options", open=False):
        branch = gr.Dropdown(
            [AUTO, *service.branches],
            value=AUTO,
            label="Branch",
            info="Which of the model's answers; auto: the best that the video allows",
            elem_id="moments-branch",
        )
        answers = gr.Slider(
            1, service.limits.answers, value=5, step=1, label="Answers", elem_id="moments-count"
        )
    return branch, answers


def _begin() -> str:
    return render("status.html.jinja", message="Choose a video first.", share=None, failed=False)


def _tie(handlers: Handlers, parts: Parts, asked: Sequence[Any]) -> None:
    parts.upload.upload(handlers.receive, parts.upload, parts.all, **_EVENT)
    parts.another.upload(handlers.receive, parts.another, parts.all, **_EVENT)
    gr.on([parts.find.click, parts.query.submit], handlers.ask, list(asked), parts.all, **_EVENT)


def _add_examples(handlers: Handlers, parts: Parts, examples: Sequence[Example]) -> None:
    if not examples:
        return
    gr.HTML(render("examples.html.jinja"), padding=False)
    with gr.Row(elem_id="moments-examples"):
        for example in examples:
            button = gr.Button(f"“{example.sentence}” in {example.video}", size="sm", min_width=250)
            button.click(handlers.opener(example), None, parts.all, **_EVENT)


def _add_endpoints(endpoints: Endpoints, service: Service) -> None:
    """Adds what programs call; its inputs and outputs are on no screen."""
    video = gr.File(label="video", visible=False)
    _take_files_only(video)
    query = gr.Textbox(label="query", visible=False)
    answers = gr.Number(5, label="answers", visible=False)
    branch = gr.Dropdown([AUTO, *service.branches], value=AUTO, label="branch", visible=False)
    found = gr.JSON(label="found", visible=False)
    hidden = gr.Button(visible=False)
    hidden.click(
        endpoints.retrieve,
        [video, query, answers, branch],
        found,
        api_name="retrieve",
        concurrency_limit=None,
    )
    hidden.click(endpoints.ask, [query, answers, branch], found, api_name="ask", concurrency_limit=None)

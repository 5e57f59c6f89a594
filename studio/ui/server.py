"""The page and its routes as one web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import gradio as gr
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from studio.home import ASSETS
from studio.run.history.removal import sweep
from studio.ui.compare.blind_routes import blind_routes
from studio.ui.compare.routes import compare_routes
from studio.ui.downloads import download_routes
from studio.ui.evaluate.routes import evaluate_routes
from studio.ui.film_routes import film_routes
from studio.ui.history.routes import history_routes
from studio.ui.live import live_head, live_routes
from studio.ui.page import build
from studio.ui.report_routes import report_routes
from studio.ui.row_losses import row_routes
from studio.ui.studio import Studio

LARGEST_UPLOAD = "1gb"
LOCAL = ("127.0.0.1", "localhost", "::1")
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """The page's colours and fonts: those of the reader's system, so that nothing is fetched from elsewhere."""
    base = gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=FONTS, font_mono=MONO)
    return base.set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_text_color="white",
        slider_color="*primary_600",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        color_accent="*primary_600",
        color_accent_soft_dark="*primary_900",
    )


def web_app(studio: Studio, host: str, port: int) -> FastAPI:
    """The studio as an ASGI application. The queue starts once it serves, and its children end with it.

    Where it listens on this machine only, it answers to this machine's names only, so that no other site's page can
    reach it under a name of its own (DNS rebinding).
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweep(studio.home)
        studio.queue.start()
        studio.conductor.start()
        studio.examiner.start()
        yield
        studio.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    if host in LOCAL:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOCAL))
    app.include_router(live_routes(studio.home, studio.queue.in_charge), prefix="/studio")
    app.include_router(film_routes(studio.home), prefix="/studio")
    app.include_router(row_routes(studio.home), prefix="/studio")
    app.include_router(download_routes(studio.home), prefix="/studio")
    app.include_router(history_routes(studio.home), prefix="/studio")
    app.include_router(report_routes(studio.home), prefix="/studio")
    app.include_router(compare_routes(studio), prefix="/studio")
    app.include_router(blind_routes(studio), prefix="/studio")
    app.include_router(evaluate_routes(studio), prefix="/studio")
    return gr.mount_gradio_app(
        app,
        build(studio),
        path="/",
        server_name=host,
        server_port=port,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=LARGEST_UPLOAD,
        ssr_mode=False,
        theme=theme(),
        css_paths=[ASSETS / f"{name}.css" for name in ("style", "history", "evaluate", "compare", "blind")],
        head=live_head(),
    )

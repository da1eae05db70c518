"""The HTTP API: routes, what they take and what they answer. `create_api` makes it; `core.serve.gate` guards it."""

import asyncio
import os
import sys
import time

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from core import limits
from core.data.sniff import ACCEPTED
from core.data.unpack import unpacked
from core.errors import ImageRefused, MedLensError, RequestRefused
from core.figures.text import NOT_A_DIAGNOSIS
from core.serve import answers
from core.serve.docs import DESCRIPTION, EXTRA, docs_page
from core.serve.forms import Form, Upload, frame_field, parse_form, read_body
from core.serve.gate import not_found
from core.serve.line import Line
from core.serve.models import Models, ShippedModels, chosen_card, preprocessing, short_card, thresholds
from core.serve.replies import Reply, error_reply, json_reply
from core.types import ModelCard

VERSION = "0.6.0"
MANY, ONE = ("files", "file"), ("file", "files")
BIG_FORM_BYTES = 1024**2  # from here on cutting a form apart is work for a thread
NOTICE = {"medlens-notice": NOT_A_DIAGNOSIS}  # for replies whose body is fixed by others


def create_api(models: Models | None = None, line: Line | None = None) -> FastAPI:
    """The API as an ASGI application, without the checks of the gate.

    Args:
        models: where models come from; the models folder by default.
        line: the threads that predict; as many as this process has cores by default.
    """
    source: Models = models or ShippedModels()
    threads = line or Line(workers=cores())
    api = FastAPI(
        title="MedLens", version=VERSION, description=DESCRIPTION, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json", redirect_slashes=False,
        exception_handlers={
            RequestRefused: _refused, ImageRefused: _image_refused, MedLensError: _refused, Exception: _refused,
            HTTPException: _no_route, RequestValidationError: _not_understood,
        },
    )  # fmt: skip

    @api.get("/health", **EXTRA["health"])
    async def health() -> Response:
        pool = sys.modules.get("core.nn.pool")
        document = {
            "status": "ok",
            "version": VERSION,
            "tensorflow_loaded": "tensorflow" in sys.modules,
            "models_loaded": list(pool.loaded_models()) if pool else [],
        }
        return _response(json_reply(200, document))

    @api.get("/api/models", **EXTRA["models"])
    async def list_models() -> Response:
        cards = await threads.run(source.cards)
        return _response(json_reply(200, {"notice": NOT_A_DIAGNOSIS, "models": [short_card(c) for c in cards]}))

    @api.post("/api/predict", **EXTRA["predict"])
    async def predict(request: Request) -> Response:
        started = time.perf_counter()
        form = await _form(request, MANY, threads)
        explain, target, strength = _options(form)
        frame = frame_field(form)
        uploads = _uploads(form)
        with threads.place():
            card = _card(source, form.fields.get("model"), target)
            predictor = await threads.run(source.predictor, card.name)
            pictures = await threads.run(unpacked, [(u.name, u.content) for u in uploads], limits.MAX_FILES_PER_REQUEST)
            turns = asyncio.Semaphore(threads.workers)  # a batch takes no more threads at once than there are

            async def one(picture: tuple[str, bytes | ImageRefused]) -> dict[str, object]:
                name, content = picture
                async with turns:
                    try:
                        if isinstance(content, ImageRefused):
                            raise content
                        return await threads.run(
                            answers.prediction, predictor, content, name,
                            explain=explain, target=target, strength=strength, frame=frame,
                        )  # fmt: skip
                    except ImageRefused as error:
                        return {"file": name, "error": str(error)}

            found = await asyncio.gather(*map(one, pictures), return_exceptions=True)
        done = [answer for answer in found if isinstance(answer, dict)]
        for failure in found:
            if isinstance(failure, BaseException):
                raise failure
        document: dict[str, object] = {
            "notice": NOT_A_DIAGNOSIS,
            "model": card.name,
            "engine": predictor.engine,
            "task": card.task,
            "classes": list(card.class_names),
            "positive_class": card.positive_class,
            "threshold": thresholds(card),
            "preprocessing": preprocessing(card),
            "predictions": done,
            "refused": sum("error" in answer for answer in done),
            "server_ms": round(1000 * (time.perf_counter() - started), 2),
        }
        if document["refused"] == len(done):
            return _response(json_reply(422, {"error": done[0]["error"], **document}))
        return _response(json_reply(200, document))

    @api.post("/api/overlay", **EXTRA["overlay"])
    async def overlay(request: Request) -> Response:
        form = await _form(request, ONE, threads)
        _, target, strength = _options(form)
        frame = frame_field(form)
        upload = _single(form)
        with threads.place():
            card = _card(source, form.fields.get("model"), target)
            predictor = await threads.run(source.predictor, card.name)
            png = await threads.run(
                answers.overlay, predictor, upload.content, upload.name, target=target, strength=strength, frame=frame
            )
        headers = {"content-type": "image/png", "cache-control": "no-store", "x-content-type-options": "nosniff"}
        return _response((200, {**headers, **NOTICE}, png))

    @api.post("/api/live", **EXTRA["live"])
    async def live(request: Request, model: str | None = None, target: str | None = None) -> Response:
        kind = request.headers.get("content-type", "")
        if not kind.startswith(("image/", "application/octet-stream")):
            raise RequestRefused(
                415, "Send the bytes of the frame themselves, with a Content-Type such as image/jpeg; no form."
            )
        frame = await read_body(request.stream())
        with threads.place():
            card = _card(source, model, target)
            answer = await threads.run(lambda: answers.live(source.predictor(card.name), frame, target=target))
        return _response(json_reply(200, answer, NOTICE))

    @api.post("/video_frame", include_in_schema=False)
    @api.post("/video_frame/", **EXTRA["video_frame"])
    async def video_frame(request: Request, model: str | None = None) -> Response:
        upload = _single(await _form(request, ONE, threads))
        with threads.place():
            card = _card(source, model, None)
            answer = await threads.run(
                lambda: answers.detections(source.predictor(card.name), upload.content, upload.name)
            )
        return _response(json_reply(200, answer, NOTICE))

    @api.get("/api/docs", **EXTRA["docs"])
    async def docs() -> Response:
        return _response(docs_page(api.openapi()))

    return api


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _form(request: Request, names: tuple[str, ...], threads: Line) -> Form:
    kind = request.headers.get("content-type", "")
    body = await read_body(request.stream())
    if len(body) < BIG_FORM_BYTES:
        return parse_form(kind, body, names)
    return await threads.run(parse_form, kind, body, names)


def _uploads(form: Form) -> tuple[Upload, ...]:
    # a browser sends a file field that was left empty as a file without name and content
    found = tuple(f for f in form.files if f.name or f.content)
    if not found:
        raise RequestRefused(422, f"There is no picture in the form; send it as 'file'; {ACCEPTED}.")
    return found


def _single(form: Form) -> Upload:
    found = _uploads(form)
    if len(found) > 1:
        raise RequestRefused(422, f"Send one picture; there are {len(found)}.")
    return found[0]


def _options(form: Form) -> tuple[str, str | None, float]:
    """(explain, target class or None, strength of the overlay). Raises RequestRefused (422)."""
    explain = form.fields.get("explain", "") or "none"
    if explain not in answers.EXPLANATIONS:
        raise RequestRefused(422, f"The field explain takes {', '.join(answers.EXPLANATIONS)}.")
    try:
        strength = float(form.fields.get("strength", "") or answers.STRENGTH)
    except ValueError:
        strength = -1.0
    if not 0 <= strength <= 1:
        raise RequestRefused(422, "The field strength takes a number from 0 to 1.")
    return explain, form.fields.get("target") or None, strength


def _card(models: Models, name: str | None, target: str | None) -> ModelCard:
    card = chosen_card(models, name)
    if target and target not in card.class_names:
        raise RequestRefused(404, f"{card.name} has no class of that name. Known: {', '.join(card.class_names)}.")
    return card


def _response(reply: Reply) -> Response:
    status, headers, content = reply
    return Response(content, status, headers)


async def _refused(_request: Request, error: Exception) -> Response:
    return _response(error_reply(error))


async def _image_refused(_request: Request, error: Exception) -> Response:
    return _response(json_reply(422, {"error": str(error)}))


async def _no_route(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = dict(error.headers or {})
        return _response(json_reply(405, {"error": "This address does not take that method; see /api/docs."}, allowed))
    return _response(not_found())


async def _not_understood(_request: Request, _error: Exception) -> Response:
    return _response(json_reply(422, {"error": "A parameter of the address is not understood; see /api/docs."}))

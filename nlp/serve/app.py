"""The HTTP application: routes over :class:`nlp.serve.pool.Pool`."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from io import BytesIO
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from nlp.corrections import Correction, CorrectionLog, value_of
from nlp.errors import NetralitasError, describe_error
from nlp.read import DeadLetter, Fields, Item, Row, make_item, read_stream
from nlp.record import Record, record_schema
from nlp.schema import DISPLAY_ID, SCHEMA_VERSION
from nlp.serve.api import (
    CorrectionIn,
    ErrorOut,
    FeedIn,
    FeedOut,
    FeedRow,
    Health,
    ModelOut,
    ResultsOut,
    TextIn,
    TextsIn,
)
from nlp.serve.gate import Gate, Metrics, Refusal, error_body
from nlp.serve.pool import Pool, QueueFullError
from nlp.serve.settings import Settings
from nlp.tagger import Reading, Tagger
from nlp.write import record_line

_DESK: Final = {
    "desk.css": "text/css",
    "desk.js": "text/javascript",
    "words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorOut, "description": text}
    for status, text in (
        (401, "No valid key"),
        (403, "A page of another site"),
        (408, "The body came too slowly"),
        (413, "The body is too large"),
        (421, "Called by another name"),
        (422, "The request or the text is not valid"),
        (429, "Too many clients or texts; see Retry-After"),
        (503, "Stopping, or out of time; see Retry-After"),
    )
}


class Service:
    """An application with the gate before it. ``gate.draining`` refuses new work; ``pool`` knows what is left."""

    def __init__(self, tagger: Tagger, settings: Settings, log: CorrectionLog | None = None) -> None:
        self.tagger, self.settings, self.log = tagger, settings, log
        self.metrics = Metrics()
        self.pool = Pool(tagger, settings)
        self.metrics.waiting.set_function(lambda: self.pool.accepted)
        self.api = FastAPI(
            title="netralitas",
            description="Is an Indonesian text about civil servants taking sides in an election?",
            version=tagger.versions.package,
            lifespan=self._lifespan,
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json",
        )
        self._add_routes()
        paths = frozenset(getattr(r, "path", "") for r in self.api.routes)
        self.gate = Gate(self.api, settings, self.metrics, paths)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        # The first text loads the gazetteer; nobody should wait for it.
        await asyncio.to_thread(self.tagger.tag, "Bawaslu Kota Pekalongan meminta ASN netral.")
        async with self.pool:
            yield

    async def tag(self, texts: Sequence[TextIn]) -> list[Record | ValueError]:
        """Tag a request's texts and lay corrections over the records.

        Raises:
            Refusal: too many texts, here or in the queue.
        """
        limit = self.settings.max_texts
        if len(texts) > limit:
            raise Refusal(422, "too_many_texts", f"{len(texts)} texts in a request; at most {limit}")
        read = [_item(t, n) for n, t in enumerate(texts, 1)]
        good = [r for r in read if isinstance(r, Item)]
        try:
            tagged = iter(await self.pool.tag(good))
        except QueueFullError:
            raise Refusal(429, "queue_full", f"{self.settings.queue} texts wait; try again later") from None
        out: list[Record | ValueError] = []
        for row in read:
            result = ValueError(row.reason) if isinstance(row, DeadLetter) else next(tagged)
            if isinstance(result, Record):
                result = self.log.apply(result) if self.log else result
                self.metrics.texts.labels(result.label.name).inc()
                self.metrics.abstained.inc(result.label.abstained)
            else:
                self.metrics.failed.inc()
            out.append(result)
        return out

    def _add_routes(self) -> None:
        api = self.api

        @api.exception_handler(Refusal)
        async def refused(_: Request, e: Refusal) -> Response:
            headers = {"Retry-After": "1"} if e.status in (429, 503) else None
            return Response(error_body(e.code, e.message), e.status, headers, "application/json")

        @api.exception_handler(RequestValidationError)
        async def invalid(_: Request, e: RequestValidationError) -> Response:
            # Without the input: it would send the text back, and into somebody's log.
            said = "; ".join(f"{'.'.join(map(str, x['loc'][1:]))}: {x['msg']}" for x in e.errors()[:5])
            return Response(error_body("invalid", said), 422, media_type="application/json")

        @api.exception_handler(HTTPException)
        async def http_error(_: Request, e: HTTPException) -> Response:
            body = error_body("not_found" if e.status_code == 404 else "http", str(e.detail))
            return Response(body, e.status_code, e.headers, "application/json")

        @api.post("/v1/tag", response_model=Record | ResultsOut, responses=_ERRORS)
        async def tag(request: Annotated[TextIn | TextsIn, Body()]) -> Response:
            """Tag one text (the answer is its record) or several (one result for each)."""
            if isinstance(request, TextIn):
                (result,) = await self.tag([request])
                if isinstance(result, ValueError):
                    raise Refusal(422, "untaggable", str(result))
                return Response(record_line(result), media_type="application/json")
            lines = []
            for found in await self.tag(request.texts):
                if isinstance(found, Record):
                    lines.append('{"record":' + record_line(found).rstrip("\n") + "}")
                else:
                    error = ErrorOut.model_validate({"error": {"code": "untaggable", "message": str(found)}})
                    lines.append(error.model_dump_json())
            return Response('{"results":[' + ",".join(lines) + "]}\n", media_type="application/json")

        @api.get("/v1/model", responses={401: _ERRORS[401]})
        async def model() -> ModelOut:
            """What the service tags with, and its limits."""
            return self._model()

        @api.get("/v1/schema", responses={401: _ERRORS[401]})
        async def schema() -> dict[str, Any]:
            """The record's JSON Schema."""
            return record_schema()

        self._add_desk()
        self._add_operations()

    def _model(self) -> ModelOut:
        calibration, settings = self.tagger.model.calibration, self.settings
        return ModelOut(
            **self.tagger.versions.model_dump(),
            schema_version=SCHEMA_VERSION,
            display=dict(DISPLAY_ID),
            corrections=self.log is not None,
            label_thresholds={str(k): v for k, v in calibration.label_thresholds.items()},
            person_threshold=calibration.person_threshold,
            limits={
                "max_body": settings.max_body,
                "max_texts": settings.max_texts,
                "queue": settings.queue,
                "clients": settings.clients,
                "timeout": settings.timeout,
            },
        )

    def _add_operations(self) -> None:
        @self.api.get("/healthz", responses={})
        async def healthz() -> Health:
            """Whether the process lives."""
            return Health(status="ok")

        @self.api.get("/readyz", responses={503: {"model": Health, "description": "Stopping"}})
        async def readyz(response: Response) -> Health:
            """Whether new texts are accepted."""
            if self.gate.draining:
                response.status_code = 503
                return Health(status="draining")
            return Health(status="ok")

        @self.api.get("/metrics", response_class=Response, responses={401: _ERRORS[401]})
        async def metrics() -> Response:
            """Prometheus metrics."""
            return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    def _add_desk(self) -> None:
        desk = files("nlp") / "desk"

        @self.api.get("/", include_in_schema=False)
        async def page() -> Response:
            return Response((desk / "index.html").read_bytes(), media_type="text/html; charset=utf-8")

        @self.api.get("/desk/{name}", include_in_schema=False)
        async def part(name: str) -> Response:
            if name not in _DESK:
                raise HTTPException(404)
            return Response((desk / name).read_bytes(), media_type=f"{_DESK[name]}; charset=utf-8")

        @self.api.post("/v1/read", responses=_ERRORS)
        async def read(feed: FeedIn) -> FeedOut:
            """Read a feed's rows as `netralitas tag` does, without tagging them."""
            try:
                rows = await asyncio.to_thread(_rows, feed)
            except NetralitasError as e:
                raise Refusal(422, "unreadable", str(e)) from e
            return FeedOut(rows=rows)

        @self.api.post("/v1/corrections", status_code=201, response_model=Record, responses=_ERRORS)
        async def correct(request: CorrectionIn) -> Response:
            """Append a correction to the log; the answer is the text's record with it laid over."""
            if not self.log:
                raise Refusal(422, "no_log", "the service keeps no corrections; start it with --corrections FILE")
            record = await self._correct(request, self.log)
            return Response(record_line(record), 201, media_type="application/json")

    def _read(self, item: Item) -> tuple[Reading, Record]:
        reading = self.tagger.read(item.text)
        return reading, self.tagger.record(reading, id=item.id, date=item.date, source=item.source)

    async def _correct(self, request: CorrectionIn, log: CorrectionLog) -> Record:
        item = _item(request.text, 1)
        if isinstance(item, DeadLetter):
            raise Refusal(422, "untaggable", item.reason)
        try:
            reading, original = await asyncio.to_thread(self._read, item)
        except ValueError as e:
            raise Refusal(422, "untaggable", str(e)) from e
        try:
            correction = Correction(
                at=dt.datetime.now(dt.UTC).replace(microsecond=0),
                by=request.by,
                reason=request.reason,
                field=request.field,
                person=request.person,
                old=value_of(log.apply(original), request.field, request.person),
                new=request.new,
                text_sha256=original.text_sha256,
                text=item.text,
                record=original,
                mentions=[(m.start, m.end, m.type) for m in reading.mentions],
            )
        except ValidationError as e:
            raise Refusal(422, "invalid", describe_error(e)) from e
        except ValueError as e:
            raise Refusal(422, "invalid", str(e)) from e
        await asyncio.to_thread(log.append, correction)
        return log.apply(original)


def _item(text: TextIn, number: int) -> Item | DeadLetter:
    return make_item(text.model_dump(), Row("request", number), Fields())


def _rows(feed: FeedIn) -> list[FeedRow]:
    stream = BytesIO(feed.content.encode("utf-8", "surrogatepass"))
    rows = []
    for row in read_stream(stream, PurePath(feed.name).name, Fields()):
        if isinstance(row, DeadLetter):
            rows.append(FeedRow(line=row.line, error=row.reason))
            continue
        source = row.source
        text = TextIn(
            text=row.text,
            title=source.title,
            id=row.id,
            date=row.date.isoformat() if row.date else None,
            url=source.url,
            outlet=source.outlet,
        )
        rows.append(FeedRow(line=row.line, text=text))
    return rows

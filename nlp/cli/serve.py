"""``netralitas serve``: the HTTP service and the desk."""

import ipaddress
import logging
from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console
from nlp.errors import NetralitasError
from nlp.extras import require
from nlp.serve.settings import Settings, read_keys


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; the loopback unless told otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8321,
    model: Annotated[str | None, typer.Option(help="Model directory or hub id; the built-in one by default.")] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Log of corrections: appended to by the desk, laid over later records.")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="File of API keys, one a line. Needed beyond the loopback.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Further name under which the service is called; '*' for any.")
    ] = None,
    max_body: Annotated[int, typer.Option(min=1000, help="Bytes of a request.")] = Settings.max_body,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts of a request.")] = Settings.max_texts,
    queue: Annotated[int, typer.Option(min=1, help="Texts accepted and not yet answered.")] = Settings.queue,
    clients: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = Settings.clients,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds from acceptance to answer.")] = Settings.timeout,
) -> None:
    """Serve POST /v1/tag and, at /, a desk for analysts. Nothing leaves this machine.

    Example: netralitas serve --corrections corrections.jsonl, then open http://127.0.0.1:8321/
    """
    require("serve", "fastapi", "uvicorn", "prometheus_client")
    from nlp.corrections import CorrectionLog
    from nlp.serve.app import Service
    from nlp.serve.run import serve as run
    from nlp.tagger import Tagger

    if not keys and not _is_loopback(host):
        raise NetralitasError(f"--host {host}: others could reach the service; name a file of API keys with --keys")
    hosts = tuple(h.lower() for h in (*Settings.hosts, f"[{host}]" if ":" in host else host, *(allow_host or ())))
    settings = Settings(
        max_body=max_body,
        max_texts=max_texts,
        queue=queue,
        clients=clients,
        timeout=timeout,
        keys=read_keys(keys) if keys else (),
        hosts=hosts,
    )
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("netralitas").setLevel(logging.INFO)
    service = Service(Tagger.load(model), settings, CorrectionLog(corrections) if corrections else None)
    console.print(f"netralitas: http://{f'[{host}]' if ':' in host else host}:{port}/  (Ctrl+C stops)")
    run(service, host, port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Load test of the service on the loopback, beside the batch engine in the same run: ``make load``.

Prints texts a second of both, latencies, memory, and what happens at four times the load it accepts.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
POSTS = ("post", "message")


@dataclass
class Seen:
    """What clients saw: seconds by status."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, status: int, seconds: float) -> None:
        self.seconds.setdefault(status, []).append(seconds)


def mix(count: int) -> list[str]:
    """Half articles, half posts, in turn, from the corpus's test split."""
    rows = [json.loads(x) for x in (ROOT / "data" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [r for r in rows if r.get("split") == "test"]
    posts = [r["text"] for r in rows if r["kind"] in POSTS]
    articles = [r["text"] for r in rows if r["kind"] not in POSTS]
    both = [t for pair in zip(articles, posts, strict=False) for t in pair]
    return [both[n % len(both)] for n in range(count)]


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    """One request on an open connection; returns the status."""
    head = "POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(answer.split(b" ", 2)[1])
    lengths = [int(h.split(b":")[1]) for h in answer.split(b"\r\n") if h.startswith(b"content-length")]
    if lengths:
        await reader.readexactly(lengths[0])
    else:  # a refusal: the connection closes behind it
        await reader.read()
    return status


async def client(number: int, port: int, bodies: list[bytes], until: float, seen: Seen) -> None:
    """Ask one text after another; a refused one waits a second, as Retry-After says."""
    reader, writer = None, None
    n = number
    while time.monotonic() < until:
        begun = time.perf_counter()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            begun = time.perf_counter()
            status = await post(reader, writer, bodies[n % len(bodies)])
        except (OSError, asyncio.IncompleteReadError) as e:
            seen.errors.append(repr(e))
            writer = None
            continue
        seen.add(status, time.perf_counter() - begun)
        n += 7
        if status != 200:
            # The gate closes the connection of those it refuses.
            writer.close()
            writer = None
            await asyncio.sleep(1 + random.random())  # as clients should, not all at once
    if writer:
        writer.close()


async def vandals(port: int, until: float) -> None:
    """Clients that vanish, send slowly, or send garbage."""
    while time.monotonic() < until:
        for data in (
            b"POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{",
            b"\x00\xff" * 500,
            b"GET",
        ):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(data)
                await asyncio.sleep(0.05)
                writer.close()
            except OSError:
                pass
        await asyncio.sleep(0.2)


async def load(port: int, clients: int, seconds: float, bodies: list[bytes], with_vandals: bool = False) -> Seen:
    """Run clients side by side for some seconds."""
    seen = Seen()
    until = time.monotonic() + seconds
    work = [client(n, port, bodies, until, seen) for n in range(clients)]
    await asyncio.gather(*work, *([vandals(port, until)] if with_vandals else []))
    return seen


def engine(texts: list[str], seconds: float) -> float:
    """Texts a second of the batch engine, in a process of its own as the service is."""
    code = (
        "import json,sys,time\nfrom nlp.tagger import Tagger\nfrom nlp.workers import ordered_map\n"
        "texts=json.load(sys.stdin)\ntagger=Tagger.load()\ntagger.tag(texts[0])\n"
        f"end=time.monotonic()+{seconds}\nn=0\nbegun=time.perf_counter()\n"
        "def some():\n    i=0\n    while time.monotonic()<end:\n        yield texts[i%len(texts)]\n        i+=1\n"
        "for _ in ordered_map(tagger.tag, some()):\n    n+=1\nprint(n/(time.perf_counter()-begun))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return float(done.stdout)


def percentiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    return " ".join(f"p{p} {cuts[p - 1] * 1000:.0f}" for p in (50, 95, 99)) + " ms"


def report(name: str, seen: Seen, seconds: float) -> float:
    rate = len(seen.seconds.get(200, [])) / seconds
    print(f"{name}: {rate:.1f} texts/s answered, {len(seen.errors)} broken connections")
    for status, values in sorted(seen.seconds.items()):
        print(f"  {status}: {len(values)} answers, {percentiles(values)}")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    texts = mix(400)
    bodies = [json.dumps({"text": t}).encode() for t in texts]
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "nlp.cli.app", "serve", "--port", str(port), "--clients", str(options.clients)]
    service = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    memory = psutil.Process(service.pid).memory_info
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        part = options.seconds / 3
        rates: dict[str, list[float]] = {"engine": [], "service": []}
        seen = Seen()
        for _ in range(3):
            rates["engine"].append(engine(texts, part))
            some = asyncio.run(load(port, options.clients, part, bodies, with_vandals=True))
            rates["service"].append(len(some.seconds.get(200, [])) / part)
            for status, values in some.seconds.items():
                seen.seconds.setdefault(status, []).extend(values)
            seen.errors += some.errors
        before = memory().rss
        report(f"{options.clients} clients beside vandals", seen, options.seconds)
        middle = {k: statistics.median(v) for k, v in rates.items()}
        share = middle["service"] / middle["engine"]
        both = f"batch engine {middle['engine']:.1f} texts/s, service {middle['service']:.1f}"
        print(f"  {both}: {share:.0%}, medians of 3")
        over = asyncio.run(load(port, 4 * options.clients, part, bodies))
        report(f"{4 * options.clients} clients, 4 times as many as accepted", over, part)
        print(f"memory {before / 1e6:.0f} MB before overload, {memory().rss / 1e6:.0f} MB after")
        refused = over.seconds.get(429, [])
        late = sum(s > 0.05 for s in refused)
        print(f"refused later than 50 ms: {late} of {len(refused)}")
        bad = seen.errors + [s for s in seen.seconds if s != 200] + [s for s in over.seconds if s not in (200, 429)]
        sys.exit(1 if bad else 0)
    finally:
        service.terminate()
        service.wait(30)


if __name__ == "__main__":
    main()

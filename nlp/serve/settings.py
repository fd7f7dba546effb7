"""What bounds the service: every limit in one place, each an option of ``netralitas serve``."""

import hmac
from dataclasses import dataclass
from pathlib import Path

from nlp.errors import NetralitasError


@dataclass(frozen=True)
class Settings:
    """Limits of a service. Beyond them a client gets 413, 422, 429 or 503, never a hang."""

    max_body: int = 2_000_000
    """Bytes of a request's body."""
    max_texts: int = 64
    """Texts of a request."""
    queue: int = 256
    """Texts accepted and not yet answered, over all clients."""
    clients: int = 128
    """Requests for tagging under way at once."""
    timeout: float = 60.0
    """Seconds from acceptance to answer."""
    body_timeout: float = 10.0
    """Seconds in which a body must have arrived."""
    batch_tokens: int = 4096
    """Texts of up to this many tokens (estimated) are taken from the queue together."""
    wait: float = 0.002
    """Seconds for which the first text of a batch waits for others."""
    keys: tuple[str, ...] = ()
    """API keys; empty for none."""
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Names under which the service may be called: a web page of somebody else cannot reach it by another name."""

    def allows(self, key: str) -> bool:
        """Whether a key is one of the service's; takes as long for a wrong key as for a right one."""
        given = key.encode("utf-8", "replace")
        results = [hmac.compare_digest(given, known.encode()) for known in self.keys]
        return any(results)


def read_keys(path: Path) -> tuple[str, ...]:
    """Read API keys, one a line; empty lines and lines that begin with # are comments.

    Raises:
        NetralitasError: unreadable, no key, or a key shorter than 16 characters.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: cannot be read: {e}") from e
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise NetralitasError(f"{path}: holds no key; write one a line")
    for number, line in enumerate(lines, 1):
        if line in keys and (len(line) < 16 or not line.isascii() or " " in line):
            raise NetralitasError(f"{path}:{number}: a key has at least 16 ASCII characters without spaces")
    return keys

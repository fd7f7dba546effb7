"""Errors that a user can act on: each names the file, line or field, what is wrong and what to do."""

from pydantic import ValidationError


class NetralitasError(Exception):
    """An expected failure; commands print its message and exit with status 1, without a traceback."""


def describe_error(error: ValidationError) -> str:
    """Put a pydantic error into one line of ``field: problem`` parts."""
    parts = []
    for e in error.errors(include_url=False, include_input=False):
        where = ".".join(str(p) for p in e["loc"])
        parts.append(f"{where + ': ' if where else ''}{e['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)

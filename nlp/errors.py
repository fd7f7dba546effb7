"""Errors that a user can act on: each names the file, line or field, what is wrong and what to do."""


class NetralitasError(Exception):
    """An expected failure; commands print its message and exit with status 1, without a traceback."""

"""Packages that only some work needs: the extras of ``pyproject.toml``, asked for when they are used."""

import importlib.util

from nlp.errors import NetralitasError


def require(extra: str, *modules: str, what: str = "this command") -> None:
    """Make sure that packages of an extra are there; ``what`` needs them.

    Raises:
        NetralitasError: they are not.
    """
    missing = [name for name in modules if not importlib.util.find_spec(name)]
    if missing:
        raise NetralitasError(f"{what} needs {', '.join(missing)}: pip install 'netralitas[{extra}]'")

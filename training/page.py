"""What the HTML pages share: their style, and plots inside the page."""

import base64
import io
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% }
"""


def svg(figure: Figure) -> bytes:
    """A plot as SVG, the same bytes each time."""
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "netralitas", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def data_uri(figure: Figure) -> str:
    """A plot as an address that holds it, for an image of a page without outside resources."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg(figure)).decode()

"""Whether the source of a text tells its label: then a model may learn the source in the label's place.

The usual way into this is a first retraining with one's own texts, of which most are real and without a case, beside a
written corpus that holds all the cases: "real" becomes the mark of "no case".
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from training.corpus import CorpusText

MIN_TEXTS: Final = 30
"""A source with fewer texts is not judged."""
SHARE: Final = 0.8
"""Share of a source's texts with one label from which the source is judged to tell it,"""
LIFT: Final = 2.0
"""if that is at least so many times the label's share among the other texts."""


def sources(text: CorpusText) -> list[str]:
    """What a text's origin is, as far as a model could see it in the words: real or written, and the outlet."""
    out = ["real (private) texts" if text.private else "texts written for the corpus"]
    if text.url and (host := urlsplit(text.url).hostname):
        out.append(host.removeprefix("www."))
    return out


def telling_sources(texts: Sequence[CorpusText]) -> list[str]:
    """A warning for each source whose texts have nearly all one label that is much rarer elsewhere."""
    labels: dict[str, Counter[str]] = {}
    for text in texts:
        for source in sources(text):
            labels.setdefault(source, Counter())[text.label] += 1
    everything = Counter(str(t.label) for t in texts)
    return [w for source in labels if (w := _warning(source, labels[source], everything))]


def _warning(source: str, inside: Counter[str], everything: Counter[str]) -> str | None:
    count, rest = inside.total(), everything - inside
    if count < MIN_TEXTS or rest.total() < MIN_TEXTS:
        return None
    label, most = inside.most_common(1)[0]
    share, elsewhere = most / count, rest[label] / rest.total()
    if share < SHARE or share < LIFT * elsewhere:
        return None
    return (
        f"{share:.0%} of {count} {source} are {label}, elsewhere {elsewhere:.0%}: the model may learn the source "
        "in the label's place. Add texts of other labels from this source, or take fewer of it."
    )

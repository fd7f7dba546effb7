"""Check a corpus file beyond what its format can say: region codes that exist, splits that do not leak."""

from collections.abc import Iterator
from pathlib import Path

from nlp import regions
from nlp.schema import MentionType
from training.corpus import CorpusText, check_lines
from training.split import leaks


def _codes(text: CorpusText) -> Iterator[tuple[str, str]]:
    for mention in text.mentions:
        if mention.type is MentionType.REGION and mention.code:
            yield f"mentions ({mention.id})", mention.code
    for official in text.officials:
        if official.region:
            yield "officials.region", official.region
    for code in text.regions:
        yield "regions", code
    if text.primary_region:
        yield "primary_region", text.primary_region


def validate(path: Path) -> tuple[list[CorpusText], list[str]]:
    """Return the valid texts and one message a problem: ``FILE:LINE (ID): FIELD: problem``, or ``split: …``.

    Raises:
        NetralitasError: the file cannot be read.
    """
    texts, problems = check_lines(path)
    for text in texts:
        unknown = {(field, code) for field, code in _codes(text) if not regions.exists(code)}
        problems += [f"{path} ({text.id}): {field}: {code} is no Kemendagri code" for field, code in sorted(unknown)]
    return texts, problems + leaks(texts)

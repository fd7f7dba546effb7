"""The layout of the model's outputs: which column of a logit array means what.

Every window gives one row of document logits (DOCUMENT) and one row of token logits (TOKEN) a token.
"""

from typing import Final

from nlp.schema import SPAN_TYPES, Flag, Form, Label, Role, Status, SubjectGroup

SPAN_TAGS: Final = ("O", *(f"{prefix}-{t}" for t in SPAN_TYPES for prefix in "BI"))
REGION_TAGS: Final = ("O", "B-REGION", "I-REGION")


def _layout(sizes: dict[str, int]) -> dict[str, slice]:
    out, at = {}, 0
    for name, size in sizes.items():
        out[name] = slice(at, at + size)
        at += size
    return out


DOCUMENT: Final = _layout({"label": len(Label), "flags": len(Flag), "forms": len(Form), "subjects": len(SubjectGroup)})
TOKEN: Final = _layout(
    {"spans": len(SPAN_TAGS), "regions": len(REGION_TAGS), "roles": len(Role), "statuses": len(Status), "evidence": 1}
)
DOCUMENT_SIZE: Final = DOCUMENT["subjects"].stop
TOKEN_SIZE: Final = TOKEN["evidence"].stop

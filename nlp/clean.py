"""Find what of a text is not the text: captions, related links, outlet tails, bylines, page furniture.

Nothing is removed: the result is spans into the text as given (Unicode code points, end exclusive), which the rest
of the pipeline skips. Rules prefer to miss a caption over hiding a sentence of the body.
"""

import re
from collections.abc import Iterable, Iterator

from nlp.window import Span

_FLAGS = re.IGNORECASE | re.VERBOSE

_RELATED = re.compile(
    r"""[\[(*»>•-]*\s*(?:
    (?:baca|simak|lihat|tonton)\s*(?:juga|selengkapnya|lainnya|artikel\s+lain\w*)\s*[:：>»|–-]*
    |(?:baca|simak|lihat|tonton)\s*[:：]
    |(?:berita|artikel)\s+(?:terkait|lain|lainnya|sebelumnya|rekomendasi|populer)\s*[:：>»|–-]*
    |rekomendasi\s+untuk\s+anda\b\s*:?
    |(?:simak|tonton)\s+(?:breaking\s+news|video)\b(?:.{0,60}?:)?
    )""",
    _FLAGS,
)
"""Opens a related link; what follows on its line is another story's headline."""

_TAIL = re.compile(
    r"""cek\s+(?:juga\s+)?berita\s+dan\s+artikel .* | .*\bgoogle\s+news\b.{0,40}
    |(?:jangan\s+lewatkan|temukan|lihat|cek)\s+(?:\w+\s+){0,2}(?:berita|kabar|artikel)\b.{0,120}
    |(?:sumber|source)\s*:\s*.{0,60}
    |(?:ikuti|follow|dapatkan|simak|gabung|download|unduh)\s.{0,100}\b(?:kami|channel|saluran|update|aplikasi)\b.{0,60}
    |(?:artikel|berita)\s+ini\s+(?:telah|sudah|pertama\s+kali)\s+(?:tayang|terbit|dipublikasikan|dimuat)\b.*
    |copyright\b.*|hak\s+cipta\b.{0,80}|©.*|all\s+rights\s+reserved.*
    |\**\s*(?:penulis|editor|pewarta|reporter|laporan|kontributor|redaktur|wartawan|penyunting|pimred|sub\s?editor)\s*:\s*.{1,80}
    |\w+(?:\s\w+)?(?:\s*[»›]\s*[\w\s]{2,40}){1,5}
    |(?:halaman|page)\s*:?\s*\d+(?:\s*(?:/|dari|of|\s)\s*\d+)*(?:\s*(?:selanjutnya|berikutnya|next))?
    |(?:selanjutnya|halaman\s+(?:selanjutnya|berikutnya)|next\s+page|tampilkan\s+semua|show\s+all)\s*[:>»]*
    |(?:advertisement|iklan|scroll\s+to\s+(?:continue|resume).*|lanjut(?:kan)?\s+(?:membaca|baca).*|gulir\s+untuk.*)
    |(?:bagikan|share|komentar|comments?|loading|cari|menu|home|beranda|print|cetak)\s*(?:artikel|ini|:|\.\.\.)?
    |(?:tags?|topik|kata\s+kunci|label|kategori)\s*:\s*.{0,200}
    |press\s+esc\s+to\s+close|x\s+close|skip\s+to\s+content
    |pasang\s+iklan.*|hubungi\s+redaksi.*""",
    _FLAGS,
)
"""A whole line of tail or furniture."""

_CAPTION = re.compile(
    r"""(?:foto|photo|caption|ket(?:erangan)?\.?\s+(?:foto|gambar)|teks\s+foto|ilustrasi|gambar|infografis|video|dok(?:umentasi)?)
    \b(?:\s+ilustrasi)?\s*[:/|–-].*
    |(?:ilustrasi|foto\s+ilustrasi)\s*[.(].{0,120}
    |.*[.!?]\s+foto\s*(?::|dok\b).{2,60}
    |.*(?:\((?:foto|dok|ist|sumber\s+foto|photo|ilustrasi|antara\s+foto|istimewa)\b[^()]*\)|/\s?(?:ist|dok)\.?|--|-\s?[A-Z][\w.]*(?:\s[A-Z][\w.]*){0,3}\s?-)\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
"""A whole line of caption: its opening word, or a credit at its end."""

_CREDIT = re.compile(r".*[.!?\"”]\s(?:\([A-Z][^()\d]{1,39}\)|(?<=[.!?)]\s)[A-Z][\w ]{1,25}/[A-Z][\w ]{1,25})")
_CREDIT_LIMIT = 200
_POSITION = re.compile(
    r"\((?:paling |dua |tiga |nomor )?(?:dari )?(?:kiri|kanan|tengah)[^()]{0,25}\)",
    re.IGNORECASE,
)
_AUTHOR = re.compile(r"[Oo]leh\s*:?\s+[A-Z].{2,90}[^.:;?!]|\(?[Pp]enulis adalah .{3,150}")
_SIGNATURE = re.compile(
    r"(?:^|(?<=[.!?\"”'’])\s*)(\([^()]{1,40}\)|\*{2,}|\[\]\s?\w{2,6}|\([a-z*][^()]{0,12}\)?)\s*$|(\([a-z]\w{1,7}(?:\s?[/|]\s?\w{1,8})+\))\s*$"
)
_SHORT_WORDS = frozenset(
    "dan di ke dari yang untuk pada dengan oleh soal usai jadi ini itu atau bagi dalam akan tak vs karena saat agar "
    "hingga lewat terkait jelang tanpa sebagai".split()
)
_RUN_ON = 320
"""A line longer than this is no mere caption, link or tail."""
_HEADLINE_LIMIT = 140
_LINKS_AFTER = 5


def blanked(text: str, spans: Iterable[Span]) -> str:
    """The text with ``spans`` turned to blanks, so that rules pass over them and offsets stay."""
    out = list(text)
    for start, end in spans:
        out[start:end] = " " * (end - start)
    return "".join(out)


def _lines(text: str) -> Iterator[Span]:
    """Lines without their surrounding white space."""
    for match in re.finditer(r"[^\r\n]+", text):
        stripped = match.group().strip()
        start = match.start() + (match.group().find(stripped) if stripped else 0)
        yield start, start + len(stripped)


def _headline_end(line: str, start: int) -> int:
    """Where a headline that starts inside a flattened paragraph ends: after its run of capitalised words, the last of
    which opens the next sentence if a small word follows it."""
    end = before = start
    for word in re.finditer(r"\S+", line[start:]):
        bare = word.group().strip("\"'“”‘’(),:;!?")
        capital = bool(bare) and (bare[0].isupper() or bare[0].isdigit())
        if capital:
            before, end = end, start + word.end()
            if word.group()[-1:] in ".!?":
                break
        elif bare.lower() not in _SHORT_WORDS:
            return before
    return end


def _in_line_link(line: str) -> Span | None:
    """A related link that begins after body text in the same line."""
    match = re.search(r"(?<=[.!?”\"')])\s*((?:baca|simak|lihat)\s+juga\s*[:：])", line, re.IGNORECASE)
    if not match:
        return None
    rest = line[match.end() :]
    start = match.start(1)
    # A short rest is the headline itself; a long one runs on into the body.
    return start, (len(line) if len(rest) <= _HEADLINE_LIMIT else _headline_end(line, match.end() + 1))


def _is_headline(line: str) -> bool:
    return 0 < len(line) <= _HEADLINE_LIMIT and line[-1] not in '."”' and not line.endswith((".)", ","))


def find_ignored(text: str) -> list[Span]:
    """Spans of the text that are no part of its report: sorted, not overlapping, never white space alone.

    Labels, evidence and mentions are never taken from them. A text that is all furniture keeps its longest line.
    """
    lines = [(s, e) for s, e in _lines(text) if e > s]
    spans: list[Span] = []
    whole: set[Span] = set()
    links_left = 0
    end_before = 0
    for i, (start, end) in enumerate(lines):
        line = text[start:end]
        if text.count("\n", end_before, start) > 2:
            links_left = 0
        end_before = end
        link = _related_end(line)
        if link is not None:
            spans.append((start, start + link))
            links_left = _LINKS_AFTER if _RELATED.fullmatch(line) else 0
        elif links_left and _is_headline(line.lstrip("-•*·0123456789. ")):
            spans.append((start, end))
            links_left -= 1
        else:
            links_left = 0
            late = len(lines) > 2 and i >= len(lines) * 2 // 3
            spans += [(start + a, start + b) for a, b in _parts(line, i, len(lines), late)]
        if spans and spans[-1] == (start, end):
            whole.add((start, end))
    if lines and len(whole) == len(lines):
        spans.remove(max(lines, key=lambda s: s[1] - s[0]))
    return spans


def _related_end(line: str) -> int | None:
    """Where a related link at the start of a line ends, None if there is none. A line that runs on after the
    headline, as in a flattened article, is cut behind it."""
    opening = _RELATED.match(line)
    if not opening:
        return None
    rest = line[opening.end() :].strip()
    if len(rest) > _RUN_ON:
        return _headline_end(line, opening.end()) or opening.end()
    # Without a mark behind it, "baca juga" may open a sentence.
    marked = bool(re.search(r"[:：>»|–-]\s*$", opening.group())) or not rest
    return len(line) if marked or _is_headline(rest) else None


def _parts(line: str, position: int, count: int, late: bool) -> list[Span]:
    """Ignored parts of a line that opens no related link: all of it, or a link and a signature inside it."""
    if len(line) <= _RUN_ON and (
        _TAIL.fullmatch(line) or _AUTHOR.fullmatch(line) or _is_caption(line, position, count)
    ):
        return [(0, len(line))]
    link = _in_line_link(line)
    parts = [link] if link else []
    signature = _SIGNATURE.search(line) if late else None
    if signature:
        start = signature.start(signature.lastindex or 0)
        if not parts or start >= parts[0][1]:
            parts.append((start, len(line)))
    return parts


def _is_caption(line: str, position: int, count: int) -> bool:
    """Captions stand alone in a text of several lines; "(kiri)" tells one near the top."""
    if count < 2:
        return False
    if _CAPTION.fullmatch(line):
        return True
    if position > 3 or count <= 3:
        return False
    credited = position > 0 and len(line) <= _CREDIT_LIMIT and _CREDIT.fullmatch(line)
    return bool(credited or _POSITION.search(line))

"""The baselines that every figure stands beside: the majority class, seven keywords, and a linear model over TF-IDF."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from Sastrawi.Stemmer.StemmerFactory import StemmerFactory
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from nlp.schema import Label
from training.corpus import CorpusText

_KEYWORDS = re.compile(r"\b(?:asn|netralitas|pegawai negeri|pilkada|kampanye|pns|politik)\b", re.IGNORECASE)


def keyword_rule(text: str) -> bool:
    """Whether a text holds one of the seven keywords by which a public tagger tells the topic "netralitas ASN"."""
    return bool(_KEYWORDS.search(text))


@cache
def _stemmer() -> object:
    return StemmerFactory().create_stemmer()


@cache
def stem(word: str) -> str:
    """Stem one lower-case Indonesian word with Sastrawi."""
    result: str = _stemmer().stem(word)  # type: ignore[attr-defined]
    return result


def stems(text: str) -> list[str]:
    """Stemmed words of a text."""
    return [stem(w) for w in re.findall(r"[a-z]+|\d+", text.lower())]


def majority(train: Sequence[CorpusText], test: Sequence[CorpusText]) -> list[Label]:
    """Predict the training split's most frequent label for every text."""
    return [Counter(t.label for t in train).most_common(1)[0][0]] * len(test)


def linear(train: Sequence[CorpusText], test: Sequence[CorpusText], seed: int = 0) -> list[Label]:
    """Predict with a linear SVM over TF-IDF of stemmed words and word pairs, balanced by class."""
    model = make_pipeline(
        TfidfVectorizer(analyzer=_ngrams, sublinear_tf=True, min_df=2),
        LinearSVC(class_weight="balanced", random_state=seed),
    )
    model.fit([t.text for t in train], [str(t.label) for t in train])
    return [Label(x) for x in model.predict([t.text for t in test])]


def _ngrams(text: str) -> list[str]:
    words = stems(text)
    return words + [f"{a} {b}" for a, b in itertools.pairwise(words)]

"""A tiny model, trained and released in seconds, for every test that needs one. Nothing is fetched."""

import json
import random
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, trainers
from transformers import BertConfig, BertModel

from nlp.tagger import Tagger
from training.base import SPECIAL, build_tokenizer, save_tokenizer
from training.calibrate import calibrate
from training.config import TrainConfig
from training.corpus import CorpusText, write_corpus
from training.export import export
from training.markup import parse_text
from training.train import train

torch.set_num_threads(2)

NAMES = ["Rofiah Hanum", "Darmaji", "Yusran Talib", "Maria Lodo", "Ketut Wirawan", "Andi Rahman"]
PLACES = [("33.19", "Kudus"), ("16.04", "Lahat"), ("51.04", "Gianyar"), ("53.06", "Flores Timur"), ("73.08", "Bone")]
FRAMES = {
    "prevention": (
        "{{D={code}:{upper}}} - {{O1:Ketua}} {{G1:Bawaslu {{R={code}:{place}}}}}, {{P1:{name}}}, berbicara di aula. "
        "{{E:Ia meminta ASN tetap netral dan menghindari kampanye.}} Yang terbukti melanggar akan dicopot.\n\n"
        "{{X:BACA JUGA: Camat Dilaporkan ke Bawaslu}}",
        "P1 | O1 | G1 | {code} | overseer",
        "",
    ),
    "allegation": (
        "{{E:Warga melaporkan {{O1:Camat {{R={code}:{place}}}}} {{P1:{name}}} yang diduga hadir di kampanye.}} "
        "Laporan itu masuk ke {{G:Bawaslu}} kemarin. Ia membantah tidak netral.",
        "P1 | O1 | - | {code} | subject | alleged",
        "forms: declare_attend\n",
    ),
    "sanctioned": (
        "Bupati menjatuhkan sanksi. {{E:{{O1:Kepala Dinas Sosial {{R={code}:{place}}}}} {{P1:{name}}} "
        "dicopot karena terbukti mengunggah dukungan.}} {{G:KASN}} merekomendasikannya.",
        "P1 | O1 | - | {code} | subject | sanctioned",
        "forms: online_support\n",
    ),
    "not_relevant": (
        "{{E:Harga cabai di pasar {{R={code}:{place}}} naik lagi pekan ini.}} Pedagang bernama {{P1:{name}}} mengeluh.",
        "P1 | - | - | {code} | other",
        "",
    ),
}


def tiny_corpus() -> list[CorpusText]:
    """Forty texts of four labels, split."""
    rng = random.Random(0)
    texts = []
    for n in range(40):
        label = list(FRAMES)[n % len(FRAMES)]
        body, official, extra = FRAMES[label]
        code, place = rng.choice(PLACES)
        values = {"code": code, "place": place, "upper": place.upper(), "name": rng.choice(NAMES)}
        subjects = "" if label == "not_relevant" else "subjects: asn\n"
        block = (
            f"=== tiny-{n:02}\nkind: news\nstyle: test\ndate: 2024-10-0{1 + n % 9}\nevent: tiny-{n}\nannotators: t\n"
            f"label: {label}\n{extra}{subjects}primary: {code}\nelection: pilbup_pilwalkot 2024\n"
            f"official: {official.format(**values)}\n---\n{body.format(**values)}\nCatatan nomor {n} ditulis."
        )
        texts.append(parse_text(block))
    # Frames are near copies by design, so splits are set here and not by `assign`.
    return [t.model_copy(update={"split": ("train", "dev", "test", "train")[n // 4 % 4]}) for n, t in enumerate(texts)]


@pytest.fixture(scope="session")
def corpus() -> list[CorpusText]:
    return tiny_corpus()


@pytest.fixture(scope="session")
def corpus_file(corpus: list[CorpusText], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_corpus(corpus, path)
    return path


@pytest.fixture(scope="session")
def tiny_base(corpus: list[CorpusText], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 2 layers of 32 with a unigram vocabulary learnt from the tiny corpus."""
    path = tmp_path_factory.mktemp("base")
    learner = Tokenizer(models.Unigram())
    learner.normalizer = build_tokenizer([(p, 0.0) for p in SPECIAL]).normalizer
    learner.pre_tokenizer = build_tokenizer([(p, 0.0) for p in SPECIAL]).pre_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), unk_token="<unk>", show_progress=False
    )
    learner.train_from_iterator([t.text for t in corpus], trainer)
    vocabulary = [(p, float(s)) for p, s in json.loads(learner.to_str())["model"]["vocab"]]
    save_tokenizer(vocabulary, 64, path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=1,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(path)
    return path


def tiny_config(base: Path, corpus_file: Path, output: Path, **changes: object) -> TrainConfig:
    """A training run of a few seconds."""
    settings = {
        "corpus": corpus_file,
        "base": str(base),
        "output": output,
        "epochs": 12,
        "batch_tokens": 256,
        "learning_rate": 2e-3,
        "head_learning_rate": 5e-3,
        "precision": "fp32",
        "window": 48,
        "overlap": 8,
    }
    return TrainConfig.model_validate(settings | changes)


@pytest.fixture(scope="session")
def trained(tiny_base: Path, corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained, calibrated directory."""
    directory = train(tiny_config(tiny_base, corpus_file, tmp_path_factory.mktemp("run") / "tiny"))
    calibrate(directory, corpus_file)
    return directory


@pytest.fixture(scope="session")
def released(trained: Path, corpus: list[CorpusText], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released directory: ONNX, int8."""
    return export(trained, tmp_path_factory.mktemp("released") / "tiny", [t.text for t in corpus[:8]])


@pytest.fixture(scope="session")
def tagger(released: Path) -> Tagger:
    return Tagger.load(released)

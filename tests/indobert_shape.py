"""Fine-tune a checkpoint of IndoBERT's true shape and file set for a few steps; print time and memory.

`make indobert`. The weights are random: this shows that `netralitas train` takes such a checkpoint and what it costs,
nothing more. Not a test, for it takes minutes and gigabytes.
"""

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining

from training.config import TrainConfig
from training.corpus import read_corpus, write_corpus
from training.train import train

VOCABULARY = 50_000
TEXTS = 24


def checkpoint(path: Path) -> Path:
    """Write what indobenchmark/indobert-base-p1 holds: 12 layers of 768, uncased WordPiece, pytorch_model.bin."""
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    words = sorted({w.lower() for t in read_corpus(Path("data/corpus.jsonl")) for w in t.text.split() if w.isalpha()})
    vocabulary = list(dict.fromkeys([*vocabulary, *words]))[:VOCABULARY]
    vocabulary += [f"[unused{i}]" for i in range(VOCABULARY - len(vocabulary))]
    (path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    settings = {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (path / "special_tokens_map.json").write_text(json.dumps({"mask_token": "[MASK]"}), encoding="utf-8")
    torch.manual_seed(0)
    model = BertForPreTraining(BertConfig(vocab_size=VOCABULARY))
    model.config.save_pretrained(path)
    torch.save(model.state_dict(), path / "pytorch_model.bin")
    print(f"checkpoint: {sum(p.numel() for p in model.parameters()) / 1e6:.0f} M parameters")
    return path


def main() -> None:
    """Train for one epoch on a few texts."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        (here / "base").mkdir()
        base = checkpoint(here / "base")
        texts = [t for t in read_corpus(Path("data/corpus.jsonl")) if t.split == "train"][:TEXTS]
        write_corpus(texts, here / "corpus.jsonl")
        config = TrainConfig(
            corpus=here / "corpus.jsonl",
            base=str(base),
            output=here / "run",
            epochs=1,
            batch_tokens=1024,
            accumulate=2,
            learning_rate=5e-5,
        )
        steps: list[float] = []
        run = train(config, lambda *_: steps.append(time.monotonic()))
        facts = json.loads((run / "training.json").read_text())
        gaps = [b - a for a, b in itertools.pairwise(steps)]
        print(f"{len(steps)} steps of 2 × 1,024 tokens, {sum(gaps) / max(1, len(gaps)):.1f} s a step")
        print(f"peak memory {facts['hardware']['peak_memory_mb']} MB on {facts['hardware']['processor']}")


if __name__ == "__main__":
    sys.exit(main())

"""The bench compares ways that give the same answers."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from nlp.cli.app import app
from nlp.schema import Kind
from training.bench import bench, matrix_peak, mix, operations_per_token
from training.corpus import write_corpus
from training.model import load


@pytest.fixture(scope="module")
def mixed(corpus):
    """The corpus with every third text a post."""
    return [t.model_copy(update={"kind": Kind.POST if n % 3 == 0 else Kind.NEWS}) for n, t in enumerate(corpus)]


def test_all_ways_are_measured_and_agree(trained, released, corpus):
    texts = [t.text for t in corpus[:16]]
    results, tokens = bench(trained, released, texts, rounds=2)
    torch_loop, ours, pipeline = results
    assert torch_loop.ratio == torch_loop.agreement == 1.0
    assert ours.agreement > 0.5
    assert pipeline.agreement is None
    assert "pipeline, batches of" in pipeline.name
    for r in results:
        assert 0 < r.low <= r.texts <= r.high
        assert r.tokens == pytest.approx(r.texts * tokens / len(texts))
        assert 0 < r.peak < 1


def test_half_posts_half_articles(mixed):
    posts = {t.text for t in mixed if t.kind == Kind.POST}
    assert [text in posts for text in mix(mixed, 6)] == [True, False] * 3
    assert len(mix(mixed, 1000)) == 2 * len(posts)


def test_operations_are_counted_as_torch_counts_them(trained):
    model, length = load(trained), 40
    ids = torch.randint(5, 90, (1, length))
    # Fused attention is not counted.
    model.encoder.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter:
        model.encoder(input_ids=ids)
    assert operations_per_token(model, length) * length == pytest.approx(counter.get_total_flops(), rel=0.1)


def test_matrix_peak_is_a_rate():
    assert matrix_peak("float32") > 1e9


def test_on_the_command_line(trained, released, mixed, corpus_file, tmp_path):
    def run(corpus):
        arguments = ["bench", trained, released, "--corpus", corpus, "--texts", 16, "--rounds", 1]
        return CliRunner().invoke(app, [str(a) for a in arguments])

    write_corpus(mixed, tmp_path / "mixed.jsonl")
    result = run(tmp_path / "mixed.jsonl")
    assert result.exit_code == 0, result.output
    assert "6 texts" in result.output
    assert "lacks posts or articles" in str(run(corpus_file).exception)

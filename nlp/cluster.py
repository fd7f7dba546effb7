"""Tag the shards of a run on a Ray cluster, with the same function and to the same bytes as on one machine.

The output's folder must be on storage that every node sees under the same name, and so must a model directory. Ray
starts an actor again that dies and gives its shard to another; this side writes the journal, so that a run whose
driver is killed goes on too, here or on one machine.
"""

import importlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from nlp.batch import READINGS_KEPT, Engine, Options, ShardResult, tag_row
from nlp.corrections import CorrectionLog
from nlp.errors import NetralitasError
from nlp.extras import require
from nlp.journal import Finished, Workspace
from nlp.schema import Label
from nlp.tagger import Tagger

_MOST_BLOCKS: Final = 1000


class _ShardTagger:
    """An actor of one core that holds the model and tags a shard a call."""

    def __init__(self, output: Path, model: str | None, versions: dict[str, str], options: Options) -> None:
        self._space, self._options = Workspace(output), options
        self._tagger = Tagger.load(model)
        here = {k: str(v) for k, v in self._tagger.versions.model_dump().items()}
        if here != versions:
            raise NetralitasError(f"a worker has {here}, the driver {versions}; install the same on every node")
        self._read = lru_cache(READINGS_KEPT)(self._tagger.read)
        self._log = CorrectionLog(options.corrections) if options.corrections else None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        gathered = ShardResult()
        for each in self._space.snapshot(int(row["shard"])):
            gathered.add(tag_row(each, self._tagger, self._read, self._log), self._options.selection)
        return {"shard": row["shard"], "found": json.dumps(asdict(gathered))}


def ray_engine(model: str | None, tagger: Tagger, options: Options, workers: int | None = None) -> Engine:
    """The engine that tags with ``workers`` actors, by default as many as the cluster has cores, on the Ray cluster
    that is connected or found (``RAY_ADDRESS``), else on one of this machine.

    Raises:
        NetralitasError: Ray is missing.
    """
    require("ray", "ray", what="--engine ray")
    # Ray is typed in part only, and need not be there when types are checked.
    ray: Any = importlib.import_module("ray")
    importlib.import_module("ray.data")
    versions = {k: str(v) for k, v in tagger.versions.model_dump().items()}

    def run(space: Workspace, shards: list[int]) -> Iterator[Finished]:
        if not shards:
            return
        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        blocks = min(len(shards), _MOST_BLOCKS)
        tagged = ray.data.from_items([{"shard": n} for n in shards], override_num_blocks=blocks).map(
            _ShardTagger,
            fn_constructor_args=(space.output.resolve(), model, versions, options),
            concurrency=min(count, len(shards)),
            num_cpus=1,
            # An actor that dies is started again and its shard is done again.
            max_restarts=-1,
            max_task_retries=-1,
        )
        for row in tagged.iter_rows():
            found = json.loads(row["found"])
            found["labels"] = Counter({Label(name): n for name, n in found["labels"].items()})
            yield ShardResult(**found).finish(space, int(row["shard"]))

    return run

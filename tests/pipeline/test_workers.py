"""Two workers on 127.0.0.1 reach the weights of one process, also when one is killed on the way.

Each is `pipelines/train.py` as dvc.yaml runs it, told of the other by TF_CONFIG. The one process is this one,
which has imported TensorFlow.
"""

import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from tests import trained

from neuralist.config import params, resolved
from neuralist.data import parquet, tables
from neuralist.text import word_vectors

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial", "reed", "coil"]
N_SONGS = 30
COMMON = {"max_tokens": 12, "units": 4, "dropout": 0.0, "learning_rate": 0.02, "epochs": 6, "batch_size": 8}
EXPERIMENTS = {
    # Clipping, text length and word vectors are what a sum over workers could get wrong.
    "pairs": COMMON
    | {"vectors": "trained", "length_features": True, "clip_norm": 0.5, "batch_unit": "pairs"},
    "ensemble": COMMON | {"ensemble": 2, "similarity": "learned", "bidirectional": True, "epochs": 2},
    "heads": COMMON
    | {
        "heads": {"year": 3.0, "tags": 1.0, "graph": 1.0},
        "batch_unit": "songs",
        "pooling": "mean",
        "window": 4,
        "window_sample_rate": 0.6,
        "distillation_weight": 0.5,
        "epochs": 16,
        "patience": 16,
    },
}
SECONDS = 240  # only where something hangs: with two processes on two cores a training takes up to 30


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of two worlds, moss and wires, and the settings of the experiments above."""
    folder = tmp_path_factory.mktemp("workspace")
    rng = np.random.default_rng(3)
    ids = [f"s{i:02}" for i in range(N_SONGS)]
    fold = np.array([3] * 6 + [1] * 6 + [2] * 18)  # 0 and 1 are test and val
    texts = [" ".join(rng.choice(WORDS[:4] if i % 2 else WORDS[4:], size=3 + i % 9)) for i in range(N_SONGS)]
    songs = trained.songs(dict(zip(ids, texts, strict=True))).assign(
        # Unknown answers teach nothing, and may not count either.
        year=pd.array([None if i % 5 == 0 else 1970 + 20 * (i % 2) for i in range(N_SONGS)], "Int64"),
        tags=[[] if i % 7 == 0 else ["soft" if i % 2 else "hard"] for i in range(N_SONGS)],
        fold=fold,
    )
    pairs = pd.DataFrame(
        [
            (ids[i], ids[j], 0.9 if (i - j) % 2 == 0 else 0.1, "val" if fold[i] == 1 else "train")
            for i in range(N_SONGS)
            for j in range(i + 1, N_SONGS)
            if (fold[i] == 1) == (fold[j] == 1) and rng.random() < 0.3
        ],
        columns=["left_id", "right_id", "similarity", "split"],
    )
    unlisted = pairs.iloc[::9].drop(columns="similarity").assign(weight=2.0)
    parquet.write(songs, tables.SONGS, folder / "songs.parquet")
    parquet.write(pairs, tables.ROWS, folder / "rows.parquet")
    every = trained.pairs(pairs.itertuples(index=False, name=None))
    parquet.write(every, tables.PAIRS, folder / "pairs.parquet")
    parquet.write(unlisted, tables.UNLISTED, folder / "unlisted.parquet")
    known = word_vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})
    known.save(folder / "vectors")
    values: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values |= {"experiments": EXPERIMENTS, "run": list(EXPERIMENTS), "variants": {}}
    values["study"] |= {"experiment": None, "spaces": {}}
    values["songmap"]["experiment"] = None
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    resolved.write(params.load(folder / "params.yaml"), 6, folder / "settings")
    return folder


def training(name: str, out: str, index: int) -> str:
    """The script and its arguments; `out` is a folder of the workspace."""
    # Folders of its own: what a worker needs of another comes from it alone.
    own = f"{out}/{index}"
    command = f"train.py {name} songs.parquet rows.parquet pairs.parquet unlisted.parquet vectors "
    command += f"--settings settings/experiments/{name}.json --pretraining none "
    return command + f"--checkpoints {own}/checkpoints --out {own}/trained"


def together(workspace: Path, name: str, out: str) -> tuple[list[subprocess.Popen], list[str]]:
    """Two workers, and their addresses."""
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{free.getsockname()[1]}" for free in (one, other)]
    return [_start(workspace, training(name, out, index), addresses, index) for index in range(2)], addresses


def _start(workspace: Path, command: str, addresses: Sequence[str], index: int) -> subprocess.Popen:
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [sys.executable, *f"{ROOT}/pipelines/{command}".split()],
        cwd=workspace,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "TF_CONFIG": json.dumps(config)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(processes: Sequence[subprocess.Popen]) -> list[str]:
    """What processes say, which are all to end well."""
    said = [process.communicate(timeout=SECONDS)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(said), "\n".join(said)
    return said


def weights(folder: Path) -> dict[str, np.ndarray]:
    """The weights in a model.keras."""
    found = {}
    with zipfile.ZipFile(folder / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    file.visititems(
        lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
    )
    return {name: array for name, array in found.items() if "optimizer" not in name}


def assert_same(workspace: Path, out: str, alone: str, folder: str = "trained") -> None:
    got, wanted = (weights(workspace / name / "0" / folder) for name in (out, alone))
    assert got.keys() == wanted.keys()
    assert len(got) > 3
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=0, atol=1e-5, err_msg=name)


def test_two_workers_reach_the_weights_of_one_process(
    workspace: Path, run_script: Callable[[Path, str], None]
) -> None:
    two, _ = together(workspace, "pairs", "pairs_two")
    run_script(workspace, training("pairs", "pairs_one", 0))
    assert "worker 0 saves it" in ended(two)[1]
    assert not (workspace / "pairs_two" / "1").exists(), "the chief alone writes"
    assert_same(workspace, "pairs_two", "pairs_one")
    records = [
        json.loads((workspace / out / "0" / "trained" / "experiment.json").read_text())
        for out in ("pairs_one", "pairs_two")
    ]
    for key in ("n_pairs", "n_songs", "n_truncated", "best_epoch"):
        assert records[0][key] == records[1][key]


def test_two_workers_train_an_ensemble_one_model_after_the_other(
    workspace: Path, run_script: Callable[[Path, str], None]
) -> None:
    two, _ = together(workspace, "ensemble", "ensemble_two")
    run_script(workspace, training("ensemble", "ensemble_one", 0))
    ended(two)
    for folder in ("trained", "trained/seed-2018"):
        assert_same(workspace, "ensemble_two", "ensemble_one", folder)


def test_a_killed_worker_is_named_and_the_training_goes_on_from_its_checkpoint(
    workspace: Path, run_script: Callable[[Path, str], None]
) -> None:
    two, addresses = together(workspace, "heads", "heads_two")
    limit = time.monotonic() + SECONDS
    while not (checkpoint := next(workspace.glob("heads_two/0/checkpoints/*/epoch.npz"), None)):
        assert time.monotonic() < limit
        time.sleep(0.02)
    two[1].kill()
    two[1].communicate()
    said, _ = two[0].communicate(timeout=SECONDS)
    assert two[0].returncode == 1, said
    [sentence] = [line for line in said.splitlines() if line.startswith("error: ")]
    assert sentence.startswith(f"error: worker 1 at {addresses[1]} is gone; the checkpoint of epoch ")
    assert (
        f"is at {checkpoint.relative_to(workspace)}: start all workers again with the same commands"
        in sentence
    )
    reached = int(sentence.partition("epoch ")[2].split()[0])
    assert 1 <= reached < EXPERIMENTS["heads"]["epochs"]
    assert not (workspace / "heads_two" / "0" / "trained").exists()

    again, _ = together(workspace, "heads", "heads_two")
    run_script(workspace, training("heads", "heads_one", 0))
    ended(again)
    assert_same(workspace, "heads_two", "heads_one")
    history = pd.read_csv(workspace / "heads_two" / "0" / "trained" / "history.csv")
    assert history["epoch"].tolist() == list(range(1, len(history) + 1))

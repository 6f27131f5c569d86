"""A trained experiment as small as one can be, with its tables and figures: for what comes after evaluate.

The embedding of a text is tanh(tanh(x)), where x is the number of its last word (tests.fake_encoder). So
every similarity, exp(-|difference|), is known by hand.
"""

import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tests import fake_encoder, made_records

from neuralist.config import metric_table, records
from neuralist.config.experiment import Protocol
from neuralist.data import parquet, tables
from neuralist.serving import package

SETTINGS = {"protocol": "songs", "target": "listed_only", "max_tokens": 15, "units": 1}


def embedding(x: float) -> float:
    return math.tanh(math.tanh(x))


def similarity(x: float, y: float) -> float:
    return math.exp(-abs(embedding(x) - embedding(y)))


def write_experiment(folder: Path, numbers: Mapping[str, float], **settings: Any) -> None:
    """Write the folder that training leaves, whose encoder knows these words."""
    embeddings = {word: (embedding(number),) for word, number in numbers.items()}
    fake_encoder.write(folder, embeddings, unknown=(0.0,))
    (folder / "history.csv").write_text("epoch,loss\n1,0.5\n")
    record = made_records.trained(folder.name, SETTINGS | settings)
    records.save(record, folder / "experiment.json")


def write_unserved_checkout(folder: Path, numbers: Mapping[str, float]) -> None:
    """Write a checkout with one experiment, `tiny`, of few resamples, and no tables."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {}\n")
    settings = (Path(__file__).parents[1] / "params.yaml").read_text()
    (folder / "params.yaml").write_text(settings.replace("draws: 1000", "draws: 20", 1))  # of evaluate
    write_experiment(folder / "artifacts/experiments/tiny", numbers)


def write_checkout(folder: Path) -> None:
    """Write a checkout of which experiment `tiny` is served and `other`, which embeds all alike, is not."""
    (folder / "pipelines").mkdir()
    (folder / "dvc.yaml").write_text("stages: {}\n")
    shutil.copy(Path(__file__).parents[1] / "params.yaml", folder)
    artifacts = folder / "artifacts"
    table = songs({"a": "moss", "b": "stone", "c": "fern", "d": "moss fern"})
    table = table.assign(artist="Artist " + table["song_id"], title="Song " + table["song_id"])
    listed = pairs([("a", "b", 0.5, "train"), ("a", "c", 0.25, "val"), ("c", "d", 0.5, "test")])
    for name in ("songs", "catalogue_songs"):
        parquet.write(table, tables.SONGS, artifacts / f"{name}.parquet")
    parquet.write(listed, tables.PAIRS, artifacts / "pairs.parquet")
    (artifacts / "corpus.json").write_text('{"note": "", "epochs": 2}')
    numbers = {"moss": 0.0, "stone": 0.5, "fern": 1.0}
    write_experiment(artifacts / "experiments/tiny", numbers)
    write_experiment(artifacts / "experiments/other", dict.fromkeys(numbers, 0.5))
    evaluated = compared(entry(), "tfidf", spearman=figure(0.25, 0.125, 0.5))
    for name, experiment in metrics(tiny=evaluated, other=evaluated).items():
        records.save(experiment, artifacts / "estimates" / f"{name}.json")
        if name == "tiny":
            source = artifacts / "experiments" / name
            chosen = package.Chosen(records.load_experiment(source), experiment, "spearman", 0.95, "")
            package.save(chosen, source, table, listed, artifacts / "served")


def songs(lyrics: Mapping[str, str]) -> pd.DataFrame:
    """tables.SONGS of these lyrics by id; every third song is of no known year."""
    rows = [
        {
            "song_id": song,
            "track_ids": [song],
            "artist": f"Artist {song}",
            "title": f"Title {song}",
            "year": None if number % 3 == 2 else 2000 + number,
            "tags": [],
            "lastfm_tags": [],
            "lastfm_weights": [],
            "genre": "folk",
            "language": "en",
            "lyrics": text,
            "raw_lyrics": text,
            "n_words": len(text.split()),
            "has_list": True,
            "group_id": song,
            "fold": 0,
        }
        for number, (song, text) in enumerate(lyrics.items())
    ]
    return pd.DataFrame(rows).astype({"year": "Int64"})


def pairs(rows: Iterable[tuple[str, str, float, str]]) -> pd.DataFrame:
    """tables.PAIRS of (left, right, similarity, split)."""
    listed = [(left, right, grade, grade, grade, 1, split) for left, right, grade, split in rows]
    return pd.DataFrame(listed, columns=tables.PAIRS.names)


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def entry(protocol: Protocol = "songs", **val: float | None) -> dict[str, Any]:
    """What estimates/<name>.json holds: these values on val, 0.25 for all others and on test."""
    names = metric_table.of_protocol(protocol, ranked=False)
    found = {name: figure(0.25, 0.125, 0.5) for name in names}
    return {
        "protocol": protocol,
        "target": "listed_only",
        "tokens": "word",
        "max_tokens": 15,
        "long_text": "head",
        "note": f"About protocol {protocol}.",
        "from_lyrics": {},
        "thresholds": {"model": {"f1": 0.625, "balanced_accuracy": 0.5}},
        "thresholds_chosen_on": "val",
        "splits": {
            "val": {
                "n_pairs": 2,
                "n_songs": 3,
                "seen_in_train": {"pairs": 0.0, "songs": 0.0},
                "metrics": found | {name: figure(value) for name, value in val.items()},
                "baselines": {},
            },
            "test": {
                "n_pairs": 4,
                "n_songs": 5,
                "seen_in_train": {"pairs": 0.0, "songs": 0.125},
                "metrics": dict(found),
                "baselines": {},
            },
        },
    }


def compared(entry: dict[str, Any], baseline: str, **differences: dict[str, Any]) -> dict[str, Any]:
    """The entry with a baseline beside it, whose differences by some metrics are given on val."""
    for split in entry["splits"].values():
        split["baselines"][baseline] = {
            name: figure(0.125) | {"difference": figure(0.125, 0.0625, 0.25)} for name in split["metrics"]
        }
    for name, difference in differences.items():
        entry["splits"]["val"]["baselines"][baseline][name]["difference"] = difference
    return entry


def metrics(**entries: dict[str, Any]) -> dict[str, records.ExperimentMetrics]:
    """Entries by name, as readers take them."""
    return {name: records.ExperimentMetrics.model_validate(entry) for name, entry in entries.items()}

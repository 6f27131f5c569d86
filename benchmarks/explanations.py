"""Whether the lines that `Model.explain` names are those that the similarity rests on: a deletion test.

Command: python -m benchmarks.explanations ARTIFACTS OUT
ARTIFACTS holds songs.parquet, pairs.parquet and served/. Of both texts of each val pair some lines are left
out together, one text at a time: those with the highest contributions, or others. Written to OUT is by how
much the similarity then falls in the mean. Leaving out one line, the highest contribution falls most by its
definition; of several lines that is not so, since contributions do not add up. The falls are those that
DeYoung et al. (2020, arXiv:1911.03429) call comprehensiveness.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import provenance
from neuralist.api import load
from neuralist.data.pair_sets import positions
from neuralist.evaluation import resampling
from neuralist.serving.model import Model
from neuralist.text.tokenizer import words

COUNTS, DRAWS, RESAMPLES, SEED = (1, 2, 3, 5), 5, 1000, 1
HIGHEST, LOWEST, RANDOM = "highest contribution", "lowest contribution", "at random"
COMMON, NEAREST = "most words in common with the other song", "nearest to a line of the other song"
ROWS = (HIGHEST, COMMON, NEAREST, RANDOM, LOWEST)
KEPT = "\u00a0"  # a space that breaks no line

Line = tuple[str, ...]  # its words


def falls(
    model: Model, text: str, other: str, explained: dict[Line, float], rng: np.random.Generator
) -> np.ndarray:
    """Return by how much the similarity falls without some lines of a text: float64 (rows, COUNTS).

    Args:
        model: the model.
        text: whose lines are left out.
        other: the other text.
        explained: contributions by line, from `Model.explain`.
        rng: draws lines at random.
    """
    lines = list(dict.fromkeys(filter(None, map(_words, text.splitlines()))))
    contribution = [explained[line] for line in lines]
    theirs = [line for line in other.splitlines() if words(line)]
    embeddings, others = (
        model.read([" ".join(line) for line in lines]).embeddings,
        model.read(theirs).embeddings,
    )
    near = [float(model.encoder.similarity(row[None], others).max()) for row in embeddings]
    common = [len(set(line) & set(words(other))) for line in lines]
    orders = {HIGHEST: _descending(contribution), LOWEST: np.argsort(contribution, kind="stable")}
    orders |= {COMMON: _descending(common), NEAREST: _descending(near)}
    drawn = [rng.permutation(len(lines)) for _ in range(DRAWS)]
    texts = [
        _without(text, {lines[number] for number in order[:count]})
        for order in (*orders.values(), *drawn)
        for count in COUNTS
    ]
    similarity = np.asarray(model.similarity([text, *texts], [other] * (1 + len(texts))))
    fallen = (similarity[0] - similarity[1:]).reshape(-1, len(COUNTS))
    by_row = dict(zip(orders, fallen, strict=False)) | {RANDOM: fallen[len(orders) :].mean(axis=0)}
    return np.stack([by_row[row] for row in ROWS])


def _descending(values: Sequence[float]) -> np.ndarray:
    """Return the positions of values, the highest first; of equal ones the earlier."""
    return np.argsort(-np.asarray(values), kind="stable")


def _without(text: str, left_out: set[Line]) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if _words(line) not in left_out)


def measure(model: Model, songs: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, object]:
    """Return a table of falls, and its counts."""
    left, right = positions(songs, pairs)
    lyrics, rng = songs["lyrics"].tolist(), np.random.default_rng(SEED)
    measured, sides, similarity = [], [], []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        table = model.explain(lyrics[a], lyrics[b])
        similarity.append(table.attrs["similarity"])
        for name, one, other in (("a", a, b), ("b", b, a)):
            rows = table[(table["text"] == name) & (table["unit"] == "line")]
            if len(rows) > max(COUNTS):
                explained = dict(zip(rows["part"].map(_words), rows["contribution"], strict=True))
                measured.append(falls(model, lyrics[one], lyrics[other], explained, rng))
                sides.append((one, other))
    values = np.stack(measured)  # (texts, rows, COUNTS)
    lefts, rights = np.array(sides).T
    chunks = resampling.pair_weights(lefts, rights, RESAMPLES, SEED)
    weights = np.concatenate(list(chunks))
    share = weights / weights.sum(axis=1, keepdims=True)

    def interval(of_texts: np.ndarray) -> str:
        value, *resampled = (share @ of_texts).tolist()
        low, high = np.quantile(resampled, [0.025, 0.975])
        return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace(" ", KEPT)

    three = COUNTS.index(3)
    highest, common, at_random = (values[:, ROWS.index(row), three] for row in (HIGHEST, COMMON, RANDOM))
    return {
        "facts": {
            "pairs": len(pairs),
            "texts": len(values),
            "similarity": f"{np.mean(similarity):.3f}",
            "over_random": f"{np.mean(highest > at_random):.0%}",
            "lead_over_random": interval(highest - at_random),
            "lead_over_common": interval(highest - common),
        },
        "columns": ["lines left out", *("1 line" if count == 1 else f"{count} lines" for count in COUNTS)],
        "rows": [[row, *map(interval, values[:, number].T)] for number, row in enumerate(ROWS)],
    }


def _words(line: str) -> Line:
    return tuple(words(line))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Leave out lines that explanations name.")
    for name in ("artifacts", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    songs, pairs = (pd.read_parquet(args.artifacts / f"{name}.parquet") for name in ("songs", "pairs"))
    val = pairs.loc[pairs["split"] == "val"]
    measured = measure(load(args.artifacts / "served"), songs, val)
    origin = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": str(provenance.this_processor()),
        "commit": provenance.commit(),
        "command": "python -m benchmarks.explanations artifacts docs/results/explanations.json",
        "data": f"The demo's {len(val):,} listed val pairs, and its served model",
    }
    args.out.write_text(json.dumps(origin | measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""How many of a song's ten nearest stay in another transcription of it, beside listed AUC on val.

Command: python -m benchmarks.steady ARTIFACTS OUT EXPERIMENT [EXPERIMENT ...]
ARTIFACTS holds songs.parquet and pairs.parquet; an EXPERIMENT is a trained folder of protocol songs. Songs
are drawn from val (fold 1), the catalogue is all songs, and a song's own group is no neighbour. TF-IDF,
fitted on the training songs, is the scale to read the rest on.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.nearest import nearest, share_kept
from neuralist import files
from neuralist.data import pair_sets
from neuralist.evaluation import comparison, ranking
from neuralist.model.encoder import Encoder
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import words

N_SONGS, SEED, VAL_FOLD, MIN_WORDS = 300, 2017, 1, 40
Embed = Callable[[Sequence[str]], Any]  # to rows, dense or sparse
Compare = Callable[[Any, Any], np.ndarray]  # a row (1, width) with rows: similarities (n_rows,)


class Measured(NamedTuple):
    """The shares of the nearest that stay, by form, and listed AUC on val."""

    stay: dict[str, float]
    listed_auc: float


def once(text: str, _: np.random.Generator) -> str:
    """Leave out each line that repeats an earlier one."""
    return "\n".join(dict.fromkeys(_lines(text)))


def end_missing(text: str, _: np.random.Generator) -> str:
    """Leave out the last fifth of the lines."""
    lines = _lines(text)
    return "\n".join(lines[: max(1, round(0.8 * len(lines)))])


def two_cut(text: str, rng: np.random.Generator) -> str:
    """Leave out two lines."""
    lines = _lines(text)
    cut = set(rng.choice(len(lines), min(2, len(lines) - 1), replace=False).tolist())
    return "\n".join(line for number, line in enumerate(lines) if number not in cut)


def word_changed(text: str, rng: np.random.Generator) -> str:
    """Replace one word by another one of the text."""
    changed = words(text)
    changed[rng.integers(len(changed))] = changed[rng.integers(len(changed))]
    return " ".join(changed)


FORMS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "repeated lines once": once,
    "last fifth missing": end_missing,
    "two lines cut": two_cut,
    "one word changed": word_changed,
}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if words(line)]


class Task:
    """The drawn songs in every form, and val's pairs.

    Args:
        artifacts: folder of songs.parquet and pairs.parquet.
    """

    def __init__(self, artifacts: Path) -> None:
        self.songs = pd.read_parquet(artifacts / "songs.parquet").reset_index(drop=True)
        is_long = (self.songs["fold"] == VAL_FOLD) & (self.songs["n_words"] >= MIN_WORDS)
        rng = np.random.default_rng(SEED)
        candidates = np.flatnonzero(is_long)
        self.drawn = rng.choice(candidates, min(N_SONGS, len(candidates)), replace=False)
        whole = self.songs["lyrics"].to_numpy()[self.drawn]
        self.texts = {name: [form(text, rng) for text in whole] for name, form in FORMS.items()}
        pairs = pair_sets.observable(self.songs, pd.read_parquet(artifacts / "pairs.parquet"), "val")
        self.left, self.right = pair_sets.positions(self.songs, pairs)
        is_new = np.zeros(len(self.songs), dtype=bool)  # for a metric that is not used
        self.queries = comparison.queries(self.songs, pairs, is_new)
        self.groups = np.asarray(self.songs["group_id"])

    def measure(self, embed: Embed, compare: Compare) -> Measured:
        """Measure a model, given as its two functions."""
        catalogue = embed(self.songs["lyrics"].tolist())
        expected = self._nearest(catalogue[self.drawn], catalogue, compare)
        stay = {
            name: share_kept(expected, self._nearest(embed(texts), catalogue, compare))
            for name, texts in self.texts.items()
        }
        val = np.unique([self.left, self.right])
        between = np.stack([compare(catalogue[[song]], catalogue[val]) for song in val])
        left, right = np.searchsorted(val, self.left), np.searchsorted(val, self.right)
        of_pairs = between[left, right].astype(np.float64)
        [metrics] = ranking.measure(self.queries, {"model": of_pairs}, 0, 0)["model"]
        return Measured(stay, float(metrics[ranking.NAMES.index("listed_auc")]))

    def _nearest(self, queries: Any, catalogue: Any, compare: Compare) -> list[set[int]]:
        rows = []
        for number, song in enumerate(self.drawn):
            others = np.flatnonzero(self.groups != self.groups[song])
            rows.append(nearest(compare(queries[[number]], catalogue)[others], others))
        return rows


def tfidf_rows(songs: pd.DataFrame) -> Embed:
    """Return the function that maps texts to TF-IDF's rows."""
    catalogue, training = songs["lyrics"].tolist(), np.flatnonzero(songs["fold"] > VAL_FOLD)

    def embed(texts: Sequence[str]) -> Any:
        return tfidf([*catalogue, *texts], training, "word").weights[len(catalogue) :]

    return embed


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("artifacts", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("experiments", type=Path, nargs="+")
    args = parser.parse_args()
    task, measured = Task(args.artifacts), {}

    def keep(name: str, of_model: Measured) -> None:
        measured[name] = of_model._asdict()
        shares = "  ".join(f"{form} {share:.1%}" for form, share in of_model.stay.items())
        print(f"{name}: {shares}  listed AUC {of_model.listed_auc:.4f}", flush=True)

    keep("TF-IDF", task.measure(tfidf_rows(task.songs), lambda query, rows: (rows @ query.T).toarray()[:, 0]))
    for folder in args.experiments:
        encoder = Encoder.load(folder)
        keep(str(folder), task.measure(encoder.encode, encoder.similarity))
    files.write_text(args.out, json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()

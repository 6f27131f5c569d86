"""Learn on val how TF-IDF takes part in an experiment's answers for pairs, and whether it does.

Input: the examples of train and val, and the encoder's similarity of the val pairs. Output: a `Fusion` and
its record, or the record alone where val shows no gain.
"""

from collections.abc import Sequence

import numpy as np

from neuralist.config.experiment import TermKind
from neuralist.config.records import FusionRecord
from neuralist.model import fusion
from neuralist.model.fusion import Fusion, Join
from neuralist.text.hashed_tfidf import HashedTfidf
from neuralist.text.tokenizer import TokenWindowing
from neuralist.training.examples import Examples


def learn(
    kinds: Sequence[TermKind],
    windowing: TokenWindowing,
    splits: dict[str, Examples],
    similarity: np.ndarray,
) -> tuple[Fusion | None, FusionRecord]:
    """Learn the fusion of an encoder with kinds of terms.

    Args:
        kinds: of terms, at least one.
        windowing: of the experiment.
        splits: examples of train and val, with texts.
        similarity: the encoder's, of the val pairs, float64 (n_pairs,).

    Returns:
        The fusion, None where the encoder answers alone, and its record.
    """
    val = splits["val"]
    if len(similarity) < fusion.MIN_PAIRS:
        return None, _record(len(similarity), None, None)
    tfidf = [HashedTfidf.fit(kind, windowing, splits["train"].texts) for kind in kinds]
    cosines = [of_kind.rows(val.texts).cosines(val.left, val.right) for of_kind in tfidf]
    inputs = fusion.inputs(similarity, cosines)
    truth = val.similarity.astype(np.float64)
    gain = fusion.cross_validate(inputs, truth, val.weight, val.left, val.right)
    join = Join.fit(inputs, truth, val.weight)
    # A kind without a weight changes no answer, and would only take time.
    has_part = join.weights[1:] > 0
    if not gain.shown or not has_part.any():
        return None, _record(len(similarity), gain, None)
    kept = np.flatnonzero(np.append(True, has_part))
    join = Join(tuple(join.curves[number] for number in kept), join.weights[kept], join.last)
    made = Fusion(tuple(tfidf[number] for number in np.flatnonzero(has_part)), join)
    return made, _record(len(similarity), gain, made)


def _record(n_pairs: int, gain: fusion.Gain | None, made: Fusion | None) -> FusionRecord:
    return FusionRecord(
        n_pairs=n_pairs,
        encoder=None if gain is None else gain.encoder,
        joined=None if gain is None else gain.joined,
        inputs=() if made is None else made.inputs(),
        last=None if made is None else made.join.last.record(),
    )


def describe(record: FusionRecord) -> str:
    """Say in a clause what part TF-IDF has, for the summary of a training."""
    if record.encoder is None or record.joined is None:
        return f"fusion off, {record.n_pairs:,} val pairs are under {fusion.MIN_PAIRS}"
    alone, joined = record.encoder, record.joined
    gain = f"mse {alone.mse:.4f} to {joined.mse:.4f}, spearman {alone.spearman:.3f} to {joined.spearman:.3f}"
    if not record.inputs:
        return f"fusion off, no gain is shown on val ({gain})"
    parts = ", ".join(f"{part.name} {part.weight:.2f}" for part in record.inputs)
    return f"fusion of {parts} ({gain} on val)"

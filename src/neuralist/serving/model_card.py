"""Write the model card: what a served model is, its data, its metrics and its limits.

Input: records of the chosen experiment. Output: markdown, below the 5,000 characters that MLflow allows for
a version's description unless the corpus' note or the settings are long.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import (
    BaselineEstimate,
    Estimate,
    ExperimentMetrics,
    ExperimentRecord,
    ServedModel,
    SplitMetrics,
)
from neuralist.evaluation import results, selection
from neuralist.evaluation.baselines import BASELINES
from neuralist.model.encoder import Reading
from neuralist.model.extension import Extension
from neuralist.serving.lyrics import LOW_KNOWN
from neuralist.text import languages
from neuralist.text.tokenizer import TokenWindowing

COLUMNS = ("spearman", "roc_auc", "average_precision", "mse")
# Baselines of a single metadata field are in results.md only: that of all fields is stronger.
SHOWN = [name for name in BASELINES if name not in ("same_artist", "year_gap", "tags")]
READS = {
    "head": "a text's first {:,} {}",
    "tail": "a text's last {:,} {}",
    "chunks": "all of a text, in chunks of {:,} {}",
}
_TERMS = {"word": "words", "char": "characters"}
HEADING = "## Catalogue"
SECTION = """\
{heading}

{n:,} songs{left_out}. Of {n_low:,} it knows less than {low:.0%} of the {unit}s. The catalogue holds {lyrics}.
It may have changed since the training: `neuralist catalogue` adds and removes songs, and trains nothing.

{languages}"""
ADDED = """\
## Words added without training

{n_words:,} words of {files} were added, and of {n_merged:,} that the model had the vectors are now means
of both. {spaces}. The figures of this card are those of before; for further languages nothing is measured."""
CARD = """\
# Model card: {name}

{note}It says how alike two songs are from their lyrics, in [0, 1], and which songs of its catalogue are
nearest to given lyrics. Of the experiments of protocol {protocol} it is the best on val by {metric}: {value}.

## Data and split

Train: {n_train:,} pairs of {n_train_songs:,} songs; val: {val}; test: {test}. Protocol {protocol}: {split}

{catalogue}

## How good

{tables}

Each cell is a value and its {level:g} % interval from resamples of the songs. `~`: the interval of the paired
difference to this model includes 0; `!`: the baseline is better, the interval excluding 0. `*`: made from
metadata, not from lyrics. More baselines and metrics: results.md.

**beats_baselines: {beats}.** {verdict}True asks for a lead on val by {metric}, its interval excluding 0, over
each baseline without a `*` where the difference is defined.

## Threshold

Two songs count as similar from {threshold:.6g}: the threshold of the best F1 on val{chosen_on}.

## Limits

- It knows the language, genres and years of its corpus; elsewhere nothing is measured.
- It reads {reads}.{covered}{fused}
- Of a text it may know few {unit}s (outputs known_a, known_b). Below {low:.0%} most of the nearest songs are
  others than those of the whole text: the commands warn.
- Similarity is what the corpus lists (Last.fm: who listens to both), not meaning, quality or copying, and
  no probability.
- Val stopped the training and chose experiment and threshold, so its figures flatter. Test chose nothing.
- Wide intervals hide weak effects, in either direction.

## Terms

It holds a vocabulary, weights, and the catalogue's names and embeddings. The data of the Million
Song Dataset and of Last.fm are free for research and not for commerce, lyrics belong to their owners, and a
model made from them is bound by their terms. A corpus that calls itself synthetic above has none.

## How it was made

{params}; best epoch {best_epoch}. Fingerprint {fingerprint}.
"""


def card(
    served: ServedModel,
    trained: ExperimentRecord,
    evaluated: ExperimentMetrics,
    level: float,
    of_catalogue: str,
) -> str:
    """Write the model card.

    Args:
        served: content of served.json.
        trained: content of experiment.json.
        evaluated: the experiment's metrics.
        level: confidence level of the intervals, in (0, 1).
        of_catalogue: the section on the catalogue, see `catalogue`.
    """
    settings, metric = trained.params, served.metric
    no_lead = [BASELINES[name].label for name in served.lags]
    splits = {split: evaluated.splits[split] for split in ("val", "test")}
    chosen_on = evaluated.thresholds_chosen_on
    unit = TokenWindowing.of(settings).unit
    of_first = f" (of the first of {settings.ensemble} trainings)" if settings.ensemble > 1 else ""
    return CARD.format(
        name=trained.name,
        note=f"**{served.corpus_note}**\n\n" if served.corpus_note else "",
        protocol=evaluated.protocol,
        metric=BY_NAME[metric].label,
        value=results.interval(served.value, metric),
        catalogue=of_catalogue,
        low=LOW_KNOWN,
        unit=unit,
        n_train=trained.n_pairs["train"],
        n_train_songs=trained.n_songs["train"],
        **{split: f"{figures.n_pairs:,} of {figures.n_songs:,}" for split, figures in splits.items()},
        split=evaluated.note + _seen(splits["test"]),
        tables="\n\n".join(_table(split, figures, trained.name, metric) for split, figures in splits.items()),
        level=100 * level,
        beats=str(served.beats_baselines).lower(),
        verdict=f"No lead is shown over {', '.join(no_lead)}. " if no_lead else "",
        threshold=served.threshold,
        chosen_on="" if chosen_on == "val" else f" ({chosen_on})",
        reads=READS[settings.long_text].format(settings.max_tokens, f"{unit}s"),
        covered=_covered(trained),
        fused=_fused(trained),
        params=", ".join(f"{key} {value}" for key, value in settings.model_dump().items()),
        best_epoch=f"{trained.best_epoch}{of_first}",
        fingerprint=trained.fingerprint,
    )


def catalogue(reading: Reading, languages_of: Sequence[str], unit: str, *, n_unnamed: int) -> str:
    """Return the section on the catalogue, which may change without training.

    Args:
        reading: of its songs; those without a known token are left out of it.
        languages_of: the language of each, left out or not.
        unit: word or character.
        n_unnamed: songs of the catalogue without artist and title, of which it holds the first words.
    """
    known = reading.known
    n_unknown = int(np.sum(known == 0))
    return SECTION.format(
        heading=HEADING,
        n=len(known) - n_unknown,
        left_out=f"; {n_unknown:,} more are left out, for it knows no {unit} of them" if n_unknown else "",
        n_low=int(np.sum((known > 0) & (known < LOW_KNOWN))),
        low=LOW_KNOWN,
        unit=unit,
        lyrics=f"of lyrics, the first words of {n_unnamed:,} without artist and title"
        if n_unnamed
        else "no lyrics",
        languages=_languages(reading, languages_of, unit),
    )


def _languages(reading: Reading, languages_of: Sequence[str], unit: str) -> str:
    """Return a markdown table: how many songs of each language, and which share of their tokens is known."""
    counts = languages.counted(Counter(languages_of))
    rows = np.array([name if name in counts else languages.OTHER for name in languages_of])
    lines = [f"| language | songs | {unit}s known |", "|---|---|---|"]
    for name, count in counts.items():
        n_tokens = reading.n_tokens[rows == name]
        known = float(np.dot(n_tokens, reading.known[rows == name]) / max(n_tokens.sum(), 1))
        lines.append(f"| {name} | {count:,} | {known:.1%} |")
    return "\n".join(lines)


def with_extension(card: str, added: Extension) -> str:
    """Return a card that says which words were added to the model without training."""
    of_files = ADDED.format(
        files=", ".join(added.files),
        n_words=added.n_words,
        n_merged=added.n_merged,
        spaces=". ".join(added.spaces),
    )
    before, heading, after = card.partition(f"{HEADING}\n")
    return f"{before}{of_files}\n\n{heading}{after}"


def with_catalogue(card: str, of_catalogue: str) -> str:
    """Return a card with another section on the catalogue; that of an earlier version gets it at the end."""
    before, found, after = card.partition(f"{HEADING}\n")
    if not found:
        return f"{card.rstrip()}\n\n{of_catalogue}\n"
    _, heading, rest = after.partition("\n\n## ")
    return f"{before}{of_catalogue}{heading}{rest}"


def _seen(test: SplitMetrics) -> str:
    seen = test.seen_in_train
    if not seen:
        return ""
    of_texts = "" if seen.texts is None else f" ({seen.texts:.1%} of their texts)"
    return (
        f" Train holds {seen.pairs:.1%} of the test pairs and {seen.songs:.1%} of the test songs{of_texts}."
    )


def _covered(trained: ExperimentRecord) -> str:
    val = trained.coverage.val
    if val is None or val.token_coverage is None:
        return ""
    return f" A word without a vector is unknown to it; {val.token_coverage:.1%} of val's have one."


def _fused(trained: ExperimentRecord) -> str:
    if trained.fusion is None or not trained.fusion.inputs:
        return ""
    encoder, *kinds = trained.fusion.inputs
    weights = " and ".join(f"{part.weight:.0%} TF-IDF of {_TERMS[part.name]}" for part in kinds)
    return (
        f"\n- A pair's similarity joins its encoder ({encoder.weight:.0%}) with {weights}. The nearest songs "
        "are the encoder's alone."
    )


def _table(split: str, figures: SplitMetrics, experiment: str, metric: str) -> str:
    """Return the metrics of model and baselines on a split, as a markdown table."""
    columns = list(dict.fromkeys((metric, *COLUMNS)))
    lines = [f"| {split} | {' | '.join(BY_NAME[column].heading for column in columns)} |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    rows: dict[str, Mapping[str, Estimate]] = {f"**{experiment}**": figures.metrics}
    baselines = figures.baselines
    rows |= {BASELINES[name].label: baselines[name] for name in SHOWN if name in baselines}
    for label, row in rows.items():
        cells = [results.interval(row[column], column) + _mark(row[column], column) for column in columns]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mark(estimate: Estimate, metric: str) -> str:
    mark = selection.lead_mark(estimate.difference, metric) if isinstance(estimate, BaselineEstimate) else ""
    return mark and f" {mark}"

"""Command drift: how far new songs differ from those that the served model was trained on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json, Trust, shown

if TYPE_CHECKING:
    from neuralist.cli.new_songs import NewSongs
    from neuralist.config.params import Drift
    from neuralist.evaluation.drift import Effect
    from neuralist.serving.drift import Feature

WITHIN, UNCLEAR, BEYOND, NOT_JUDGED, TOO_FEW = "within", "unclear", "beyond", "no limit", "too few"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        feature: what is compared.
        reference: the median, or the commonest name, of the training songs.
        new: the same of the new songs.
        n_reference: training songs that have the feature.
        n_new: new songs that have it.
        statistic: the effect size's name; None where there are too few songs for one.
        value: of the effect size.
        low: lower end of its interval.
        high: upper end of its interval.
        limit: None where it is not judged.
        verdict: BEYOND where `low` is above the limit, UNCLEAR where only `value` is.
    """

    feature: str
    reference: str
    new: str
    n_reference: int
    n_new: int
    statistic: str | None
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    verdict: str


def drift(
    new: Annotated[
        Path,
        typer.Argument(metavar="NEW", help="A raw folder, a songs.parquet, or a csv or parquet of texts."),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="An experiment's name, a folder, or models:/...; else the checkout's artifacts/served.",
        ),
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column of texts.")] = "text",
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The page to write; without it the checkout's work/drift.html.",
            show_default=False,
        ),
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """How far new songs differ from those that a model was trained on.

    Compares length in words, the share of words that the model knows, language, year, tags and embedding,
    where both have them. A table of texts may have the columns year, language and tags. Section drift of
    params.yaml has the limits. Exit code 1 also when a difference is beyond its limit: stderr then has no
    line `error: ...`.
    """
    from neuralist.api import locate

    checkout = files.checkout()
    folder = locate.served(locate.find(against, shell.resources), shell.resources)
    if not new.exists():
        raise ValueError(f"{new}: no such file or folder; give a raw folder, or a .csv or .parquet of texts")
    from neuralist import workspace
    from neuralist.cli import new_songs
    from neuralist.config import params, records
    from neuralist.serving import drift as counting
    from neuralist.serving.model import Model

    reference, model = records.load_drift(folder), Model.load(folder)
    if new.is_dir():
        settings = workspace.settings(new, checkout, trust=trust)
    else:
        settings = params.load(checkout / "params.yaml")
    songs = new_songs.read(new, settings, model.encoder.clean, text_column)
    if songs.n_unusable:
        shell.warn(
            f"{new}: {songs.n_unusable:,} of the songs have no word, or more than a song has; left out"
        )
    reading = model.read(songs.texts, cleaned=True)
    features = counting.count(reference, counting.Songs(songs.texts, songs.facts, reading))
    rows = judged(features, settings.drift)
    out = checkout / "work" / "drift.html" if page is None else page
    title = f"{new} against {against or 'artifacts/served'}"
    counts = _counts(songs, reference.n_songs)
    files.write_text(out, _page(title, counts, rows, features, settings.drift))
    if as_json:
        compared = {"new": str(new), "against": against}
        shell.print_json(compared | _result(songs, reference.n_songs, rows) | {"page": str(out)})
    else:
        _print(counts, rows, out)
    if _is_beyond(rows):
        raise typer.Exit(1)


def judged(features: "list[Feature]", choices: "Drift") -> list[Row]:
    """Return a row for each effect size of each feature; Great Expectations holds them to the limits."""
    from neuralist.evaluation.drift import MIN_SONGS, effects
    from neuralist.validation import limits

    effects_of: dict[str, list[Effect]] = {}
    for feature in features:
        if min(feature.n_songs) >= MIN_SONGS:
            effects_of[feature.name] = effects(
                feature.reference, feature.new, is_ordered=feature.is_ordered, choices=choices
            )
    limited = [
        limits.Limited(name, effect.statistic, effect.low, limit)
        for name, of_feature in effects_of.items()
        for effect in of_feature
        if (limit := limit_of(choices, name, effect.statistic)) is not None
    ]
    outcomes = limits.check(limited)
    passed = {
        (effect.feature, effect.statistic): (effect.limit, outcome.verdict == "passed")
        for effect, outcome in zip(limited, outcomes, strict=True)
    }
    rows = []
    for feature in features:
        if feature.name not in effects_of:
            rows.append(_row(feature, None, None, is_passed=True))
        for effect in effects_of.get(feature.name, []):
            limit, is_passed = passed.get((feature.name, effect.statistic), (None, True))
            rows.append(_row(feature, effect, limit, is_passed=is_passed))
    return rows


def limit_of(choices: "Drift", feature: str, statistic: str) -> float | None:
    """Return the limit of a feature's effect size; None where it is not judged."""
    from neuralist.evaluation.drift import PSI

    limits = choices.stability if statistic == PSI else choices.difference
    return getattr(limits, feature.split()[0])  # "embedding 1" is judged as embedding


def _row(feature: "Feature", effect: "Effect | None", limit: float | None, *, is_passed: bool) -> Row:
    common = {
        "feature": feature.name,
        "reference": feature.usual[0],
        "new": feature.usual[1],
        "n_reference": feature.n_songs[0],
        "n_new": feature.n_songs[1],
    }
    if effect is None:
        nothing = dict.fromkeys(("statistic", "value", "low", "high", "limit"))
        return Row(**common, **nothing, verdict=TOO_FEW)
    if limit is None:
        verdict = NOT_JUDGED
    elif not is_passed:
        verdict = BEYOND
    else:
        verdict = UNCLEAR if effect.value > limit else WITHIN
    return Row(**common, **effect._asdict(), limit=limit, verdict=verdict)


def _is_beyond(rows: list[Row]) -> bool:
    return any(row.verdict == BEYOND for row in rows)


def _result(songs: "NewSongs", n_training: int, rows: list[Row]) -> dict[str, Any]:
    """Return what was found, as --json has it."""
    return {
        "songs": songs.n_given,
        "songs_read": len(songs.texts),
        "training_songs": n_training,
        "beyond_limits": _is_beyond(rows),
        "features": [asdict(row) for row in rows],
    }


def _print(counts: str, rows: list[Row], page: Path) -> None:
    print(counts)
    cells = [
        (
            row.feature,
            row.reference,
            row.new,
            row.statistic,
            _size(row),
            "" if row.limit is None else f"{row.limit:g}",
            row.verdict,
        )
        for row in rows
    ]
    columns = ["feature", "training", "new", "effect", "size", "limit", "verdict"]
    shell.console().print(shell.table(columns, cells))
    print(_verdict(rows))
    print(shown(f"page: {page}"))


def _counts(songs: "NewSongs", n_training: int) -> str:
    drawn = f" drawn of {songs.n_given:,}" if len(songs.texts) + songs.n_unusable < songs.n_given else ""
    return f"{len(songs.texts):,} new songs{drawn} against {n_training:,} of training"


def _size(row: Row) -> str:
    if row.value is None or row.low is None or row.high is None:
        return ""
    value, low, high = (f"{size:.{1 if size >= 10 else 2}f}" for size in (row.value, row.low, row.high))
    return f"{value} [{low}, {high}]"


def _verdict(rows: list[Row]) -> str:
    features = list(dict.fromkeys(row.feature for row in rows if row.verdict == BEYOND))
    if features:
        return f"beyond the limits: {', '.join(features)}"
    if all(row.verdict in (TOO_FEW, NOT_JUDGED) for row in rows):
        return "nothing was judged"
    return "within the limits"


def _page(title: str, counts: str, rows: list[Row], features: "list[Feature]", choices: "Drift") -> str:
    from neuralist import html

    return html.render(
        "neuralist.validation",
        "drift.html.j2",
        title=title,
        counts=counts,
        verdict=_verdict(rows),
        rows=rows,
        features=features,
        level=choices.level,
        draws=choices.draws,
    )

"""The validation report: counts of the corpus and an outcome for each expectation.

Stage `validate` writes it as JSON for DVC and as a web page without links to the network.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from neuralist import html
from neuralist.engine.protocol import Engine
from neuralist.text import languages
from neuralist.validation.derived_tables import description

COUNTS = """
    WITH listed AS (
        SELECT min(split) <> max(split) AS is_cut
        FROM rows_coded GROUP BY least(left_number, right_number), greatest(left_number, right_number)
    ), of_pairs AS (
        SELECT count(*) AS pairs,
               count(*) FILTER (WHERE split = 'train') AS pairs_train,
               count(*) FILTER (WHERE split = 'val') AS pairs_val,
               count(*) FILTER (WHERE split = 'test') AS pairs_test,
               count(*) FILTER (WHERE split = 'unused') AS pairs_unused,
               round(avg(CAST(similarity >= 0.5 AS DOUBLE)) * 1e6) / 1e6 AS similar_share
        FROM pairs)
    SELECT (SELECT count(*) FROM songs) AS songs,
           (SELECT count(*) FROM songs WHERE has_list) AS songs_with_a_list,
           (SELECT count(DISTINCT group_id) FROM songs) AS groups,
           (SELECT count(*) FROM rows) AS rows,
           (SELECT count(*) FROM listed WHERE is_cut) AS repeats_across_splits,
           (SELECT count(*) FROM (SELECT song_id FROM members GROUP BY song_id
                                  HAVING count(DISTINCT split) > 1) AS cut_songs) AS songs_across_splits,
           (SELECT count(*) FROM (SELECT text_id FROM members JOIN texts USING (song_id) GROUP BY text_id
                                  HAVING count(DISTINCT split) > 1) AS cut_texts) AS texts_across_splits,
           pairs, pairs_train, pairs_val, pairs_test, pairs_unused,
           (SELECT count(*) FROM unlisted WHERE split = 'train') AS unlisted_train,
           (SELECT count(*) FROM unlisted WHERE split = 'val') AS unlisted_val,
           similar_share FROM of_pairs"""
LANGUAGES = """
    SELECT coalesce(language, '?') AS language, count(*) AS n_songs FROM songs
    GROUP BY coalesce(language, '?')"""

Example = dict[str, str | None]
Verdict = Literal["passed", "warning", "failed", "broken"]


@dataclass(frozen=True)
class Outcome:
    """The result of an expectation.

    Attributes:
        table: the table checked; `rows.songs` is derived from `rows`.
        expectation: its name in Great Expectations.
        column: the column or columns it checks, empty for the table as a whole.
        promise: what must hold, in words.
        verdict: warning is an allowed failure; broken means that the check itself raised.
        unexpected: number of offending rows; None where the table is checked as a whole.
        observed: the count or mean that was checked; None where each row is checked.
        examples: the first offending rows: value by column, cut to 100 characters; None where it is missing.
        error: why a broken check raised; None for any other.
    """

    table: str
    expectation: str
    column: str
    promise: str
    verdict: Verdict
    unexpected: int | None
    observed: int | float | None
    examples: list[Example]
    error: str | None = None


@dataclass(frozen=True)
class Report:
    """Counts of the corpus and every outcome, in the order of the suites.

    Attributes:
        counts: see `count`.
        outcomes: of all expectations.
        languages: see `count_languages`.
    """

    counts: dict[str, int | float | None]
    outcomes: list[Outcome]
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def tally(self) -> Counter[Verdict]:
        """Number of outcomes by verdict."""
        return Counter(outcome.verdict for outcome in self.outcomes)

    @property
    def success(self) -> bool:
        """Whether no expectation failed or broke; warnings are allowed."""
        return not self.tally["failed"] and not self.tally["broken"]

    def to_json(self) -> str:
        """Return the report as JSON, plain numbers first, which `dvc metrics show` prints."""
        values = {
            "success": self.success,
            "n_expectations": len(self.outcomes),
            "n_failed": self.tally["failed"],
            "n_broken": self.tally["broken"],
            "n_warnings": self.tally["warning"],
            "counts": self.counts,
            "songs_by_language": self.languages,
            "results": [
                {"success": outcome.verdict in ("passed", "warning"), **asdict(outcome)}
                for outcome in self.outcomes
            ],
        }
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def verdict(self, hashes: Mapping[str, str]) -> str:
        """Return success and the hashes of the tables, by name, as JSON.

        Later stages depend on this alone, so that new wording in the report retrains nothing.
        """
        return json.dumps({"success": self.success, "tables": dict(hashes)}, indent=2) + "\n"

    def to_html(self, note: str = "", hashes: Mapping[str, str] | None = None) -> str:
        """Return the report as a self-contained page, the same bytes for the same tables.

        Args:
            note: a description of the corpus.
            hashes: SHA-256 by table name.
        """
        return html.render(
            "neuralist.validation",
            "validation.html.j2",
            report=self,
            note=note,
            hashes=hashes or {},
            description=description,
        )


def count(engine: Engine) -> dict[str, int | float | None]:
    """Count songs, rows, pairs and unlisted pairs in the tables that `derived_tables.derive` has read.

    Returns:
        Count by name. `repeats_across_splits` is the number of unordered pairs whose rows fall in more than
        one split under protocol `paper`; `songs_across_splits` and `texts_across_splits` those of songs, and
        of distinct texts, in pairs of more than one split under `songs` or `given`; `similar_share`, in
        [0, 1], is the share of pairs with similarity >= 0.5, None when there is no pair.
    """
    return engine.records(COUNTS)[0]


def count_languages(engine: Engine) -> dict[str, int]:
    """Count the songs of each language, as `text.languages.counted` orders and sums them."""
    return languages.counted({row["language"]: row["n_songs"] for row in engine.records(LANGUAGES)})

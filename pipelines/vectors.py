"""Stage vectors: one word vector matrix for all experiments, fitted on no val or test song.

Command: python pipelines/vectors.py RAW SONGS PAIRS --settings FILE --pretraining FOLDER --vectors FOLDER
"""

import neuralist.reproducible  # noqa: F401

from pathlib import Path

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import records, resolved
from neuralist.data import parquet, splits, tables
from neuralist.text import word_vectors


def main() -> None:
    """Read a vector file or train on the training songs; print the coverage."""
    parser = path_parser(__doc__, ("raw", "songs", "pairs"), ("settings", "pretraining", "vectors"))
    args = parser.parse_args()
    settings = records.load(args.settings, resolved.VectorsSettings)
    songs, listed = parquet.read(args.songs, tables.SONGS), parquet.read(args.pairs, tables.PAIRS)
    texts = splits.lyrics_of(songs, listed, by_fold=not settings.given)
    vectors = word_vectors.fit(texts, _pretraining_texts(args.pretraining), settings.vectors, args.raw)
    by_language = word_vectors.coverage_by_language(
        songs["lyrics"].tolist(),
        songs["language"].tolist(),
        frozenset(vectors.vocabulary.words),
        vectors.coverage.segmenter,
    )
    coverage = vectors.coverage.model_copy(update={"languages": by_language})
    vectors._replace(coverage=coverage).save(args.vectors)
    cut = ", scripts without spaces cut by ICU" if coverage.segmenter else ""
    print(f"word vectors: {coverage.words:,} x {coverage.dimensions}, {coverage.source}{cut}")
    for note in coverage.spaces or ():
        print(f"  {note}")
    for split in texts:
        covered = getattr(coverage, split)
        print(f"  {split}: {covered.token_coverage} of {covered.tokens:,} tokens have a vector")
    for name, covered in by_language.items():
        print(f"  language {name}: {covered.token_coverage} of {covered.tokens:,} tokens have a vector")


def _pretraining_texts(folder: Path) -> list[str]:
    """Return the texts of all pretraining pairs, the study's included; of equal tables only the first counts.

    Raises:
        ValueError: a table is missing; an empty one is fine.
    """
    paths = [*sorted(folder.glob("experiments/*/songs.parquet")), folder / "study" / "songs.parquet"]
    distinct = {files.digest(path): path for path in paths}.values()
    tables_of_texts = [parquet.read(path, tables.PRETRAINING_SONGS) for path in distinct]
    return [text for table in tables_of_texts for text in table["lyrics"]]


if __name__ == "__main__":
    console.run(main)

"""Stage `pretraining`: tables of the graded pairs on which experiments are pre-trained.

Command: python pipelines/pretraining.py RAW --settings FILE --out FOLDER
`pretrain_on` of an experiment names a folder inside RAW. Without it the tables are empty, and skipped.txt
beside them says why.
"""

import neuralist.reproducible  # noqa: F401

import shutil
from pathlib import Path

import pandas as pd

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import records, resolved
from neuralist.data import parquet, tables
from neuralist.ingest import pretraining_pairs
from neuralist.ingest.pretraining_pairs import PretrainingPairs


def main() -> None:
    """Write songs.parquet and pairs.parquet of each experiment and of the study, and all rejects."""
    args = path_parser(__doc__, ("raw",), ("settings", "out")).parse_args()
    settings = records.load(args.settings, resolved.PretrainingSettings)
    folders = {f"experiments/{name}": folder for name, folder in settings.experiments.items()}
    folders["study"] = settings.study
    names_by_folder: dict[str | None, list[str]] = {}
    for name, folder in folders.items():
        names_by_folder.setdefault(folder, []).append(name)
    shutil.rmtree(args.out, ignore_errors=True)
    rejects = [tables.REJECTS.empty_table().to_pandas()]
    for folder, names in names_by_folder.items():
        graded = _read(args.raw, folder, settings, names)
        for name in names:
            parquet.write(graded.songs, tables.PRETRAINING_SONGS, args.out / name / "songs.parquet")
            parquet.write(graded.pairs, tables.PRETRAINING_PAIRS, args.out / name / "pairs.parquet")
            if folder is None:
                files.write_text(args.out / name / "skipped.txt", "no pretrain_on is set in params.yaml\n")
        rejects.append(graded.rejects)
        print(f"{folder or 'no pretrain_on'}: {graded} ({', '.join(names)})")
    parquet.write(pd.concat(rejects, ignore_index=True), tables.REJECTS, args.out / "rejects.parquet")


def _read(
    raw: Path, folder: str | None, settings: resolved.PretrainingSettings, names: list[str]
) -> PretrainingPairs:
    try:
        return pretraining_pairs.read(raw, folder, settings.similarity_range)
    except ValueError as error:
        raise ValueError(f"{', '.join(names)}: {error}") from error


if __name__ == "__main__":
    console.run(main)

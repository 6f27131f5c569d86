"""Damaged raw folders: every record is used, or named among the rejects, or one line refuses the folder.

Layouts are those of `faults.raw_folders`, damage is that of `faults.damage`, and what is lost is counted by
`faults.accounting`: of the tables of stage songs, or of the folder that `neuralist import` made.
"""

import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import accounting, commands, damage, raw_folders
from faults.commands import NEURALIST, PYTHON
from faults.trials import ROOT, Outcome, Run, Told, draws

SAMPLE, FULL = 40, 500
AT_ONCE = 2
STAGES = ("songs", "catalogue", "pairs", "settings", "pretraining")
LINKED = ("src", "pipelines", "dvc.yaml", "params.yaml", "catalogue", ".dvcignore")
# A folder by its layout, this often of twelve.
LAYOUTS = ("official",) * 3 + ("database",) * 3 + ("generic",) * 4 + ("importable",) * 2


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Damage a folder a trial."""

    def trial(number: int) -> Told:
        folder = run.scratch / str(number)
        folder.mkdir()
        told = _trial(folder, draws("corrupt", run.seed, number), number, full=run.full)
        shutil.rmtree(folder)
        return told

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield from zip(run.numbers, pool.map(trial, run.numbers), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _trial(folder: Path, draw: random.Random, number: int, *, full: bool) -> Told:
    raw, layout = folder / "raw", LAYOUTS[number % len(LAYOUTS)]
    raw_folders.LAYOUTS[layout](raw, draw)
    written = set(raw.iterdir())
    what = f"{layout}: {'; '.join(damage.spoil(raw, draw))}"
    sources = sorted(written | set(raw.iterdir()))  # damage may take a file away, or put one beside it
    if layout == "importable":
        command = (NEURALIST, "import", *map(str, sources), "--out", str(folder / "new"))
        ended = commands.run(command, folder, commands.PATIENCE, ROOT)
    else:
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        stages = (*STAGES[:3], "validate", *STAGES[3:]) if full else STAGES
        ended = commands.run(
            (PYTHON, "-m", "faults.stages", str(raw), *stages), folder, commands.PATIENCE, ROOT
        )
    if ended.code is None:
        return Outcome.WRONG, f"{what}: no end after {commands.PATIENCE} s"
    artifacts = folder / "work" / "raw" / "artifacts"
    # Tables that stage songs left are looked at, whatever a later stage said.
    lost: list[str] = []
    if (artifacts / "rejects.parquet").exists():
        lost = accounting.faults(raw, accounting.read(artifacts))
    elif (folder / "new").exists():
        lost = accounting.faults_of_import(sources, folder / "new")
    if lost:
        return Outcome.WRONG, f"{what}: {lost[0]}" + (f" and {len(lost) - 1} more" if lost[1:] else "")
    if ended.code == 0:
        return Outcome.RECOVERED, what
    fault = commands.fault_of_refusal(ended)
    return (Outcome.WRONG, f"{what}: {fault}") if fault else (Outcome.REFUSED, f"{what}: {ended.said}")

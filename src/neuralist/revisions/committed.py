"""Say whether the outputs of a run are those that are committed, and what else differs; mend a cut dvc.lock.

Input: dvc.lock as HEAD and as the working folder have it. Nothing heavy is imported: `make repro` asks at the
end of each call.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from neuralist import files

PAGE = "docs/results/processors.md"
FEW = 4  # names in a line
_REFUSED = re.compile(r"'\./dvc\.lock' validation failed|unable to read: '\./dvc\.lock'")  # by DVC


class Lock(NamedTuple):
    """What dvc.lock says.

    Attributes:
        outs: md5 by path of what stages wrote.
        inputs: what they were made from by the file that holds it: a source's or raw folder's md5, the
            settings that stages read from params.yaml, and the commands in dvc.yaml.
    """

    outs: dict[str, Any]
    inputs: dict[str, Any]


def describe(folder: Path) -> str | None:
    """Compare a checkout's outputs with those of HEAD, in one line; None where HEAD has no dvc.lock."""
    lock = _of_head(folder)
    try:
        return None if lock is None else compare(lock, (folder / "dvc.lock").read_text("utf-8"))
    except (OSError, ValueError):
        return None  # a lock that DVC itself will complain about


def mend(folder: Path, said: Iterable[str]) -> str | None:
    """Replace a dvc.lock that DVC refuses by that of HEAD, or by none; return a line that says so.

    DVC writes it in place after each stage, so that a kill may leave a part of it. Stages that ran since HEAD
    come from DVC's cache of runs. A merge conflict is left to be resolved.

    Args:
        folder: of the lock.
        said: what DVC said.

    Returns:
        None where DVC said nothing of it, or where it holds a merge conflict.
    """
    path = folder / "dvc.lock"
    if not any(map(_REFUSED.match, said)):
        return None
    if any(map(files.CONFLICT.match, path.read_text("utf-8", errors="replace").splitlines())):
        return None
    lock = _of_head(folder)
    if lock is None:
        path.unlink()
    else:
        files.write_text(path, lock)
    now = "is taken away" if lock is None else "is that of HEAD again"
    return f"dvc.lock was cut off by a kill and {now}: what ran since comes from DVC's cache of runs."


def _of_head(folder: Path) -> str | None:
    """Return dvc.lock as HEAD has it; None without git, or where HEAD has none."""
    command = ["git", "show", "HEAD:./dvc.lock"]
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    except (OSError, UnicodeDecodeError):
        return None
    return None if answer.returncode else answer.stdout


def compare(committed: str, now: str) -> str:
    """Return one line: whether outputs are equal, which ones are not, and which inputs differ.

    Raises:
        ValueError: one of the two texts is no dvc.lock.
    """
    before, after = _read(committed), _read(now)
    differing = _differing(before.outs, after.outs)
    if not differing:
        return f"All {len(after.outs)} outputs equal those of the committed dvc.lock."
    line = f"{len(differing)} of {len(after.outs)} outputs differ from those of the committed dvc.lock"
    changed = _differing(before.inputs, after.inputs)
    if changed:
        more = f" and {len(changed) - FEW} more" if len(changed) > FEW else ""
        return f"{line}, and so do their inputs: {', '.join(changed[:FEW])}{more}."
    names = f": {', '.join(differing)}" if len(differing) <= FEW else ""
    return f"{line}, from the same inputs{names}. {PAGE} says why, and how far figures move."


def _read(text: str) -> Lock:
    try:
        stages = files.parse_yaml(text)["stages"]
        outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs") or []}
        made = tuple(f"{path}/" for path in outs)
        inputs: dict[str, Any] = {}
        for name, stage in stages.items():
            inputs.setdefault("dvc.yaml", {})[name] = stage["cmd"]
            for file, read in (stage.get("params") or {}).items():
                inputs.setdefault(file, {})[name] = read
            for dep in stage.get("deps") or []:
                path = dep["path"]
                # A stage may read a file of another one's folder, or the folder around its outs.
                if not f"{path}/".startswith(made) and not any(out.startswith(f"{path}/") for out in made):
                    inputs[path] = dep["md5"]
    except (yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"dvc.lock: not readable ({error})") from error
    return Lock(outs, inputs)


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in {**after, **before} if before.get(name) != after.get(name)]

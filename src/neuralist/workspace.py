"""A workspace: the pipeline on another raw folder, beside the checkout's own and without touching it.

work/<name>/ holds links to the checkout's src, pipelines, dvc.yaml and .dvcignore, a link `data` to the raw
folder, and files of its own: params.yaml (the checkout's, with the raw folder's corpus.yaml laid over it),
dvc.lock, artifacts/. Its .dvc shares the checkout's cache, so that a stage already run on the same input is
not run again.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from neuralist import corpus, params

LINKS = ("src", "pipelines", "dvc.yaml", ".dvcignore")
RESERVED = "checkpoints"  # work/checkpoints holds the unfinished trainings of the checkout itself
# DVC resolves the folder against the config's own place, work/<name>/.dvc.
DVC_CONFIG = "[core]\n    analytics = false\n    no_scm = true\n[cache]\n    dir = ../../../.dvc/cache\n"


def prepare(raw: Path, checkout: Path, name: str | None = None) -> Path:
    """Make the workspace of a raw folder, or bring it up to date.

    Args:
        raw: folder with raw files in any form the songs stage reads, and perhaps a corpus.yaml.
        checkout: folder that holds dvc.yaml, params.yaml, src and pipelines.
        name: of the folder under work/; without it, the raw folder's own name.

    Returns:
        work/<name>, absolute, ready for `dvc repro`.

    Raises:
        ValueError: the raw folder is missing, empty or holds the checkout; the name is odd, or serves
            another raw folder; a key or value of corpus.yaml is refused.
    """
    raw, checkout = raw.expanduser().resolve(), checkout.resolve()
    _check_raw(raw, checkout)
    folder = checkout / "work" / _name(raw, name)
    link = folder / "data"
    if link.is_symlink() and link.readlink() != raw:
        raise ValueError(
            f"work/{folder.name} already serves {link.readlink()}, not {raw}; give NAME=<another name>, "
            f"or remove work/{folder.name} first"
        )
    text = _params_text(checkout / "params.yaml", raw)
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    for target in LINKS:
        _link(folder / target, Path("../..") / target)
    _link(link, raw)
    _write(folder / ".dvc" / "config", DVC_CONFIG)
    _write(folder / "params.yaml", text)
    return folder


def _check_raw(raw: Path, checkout: Path) -> None:
    if not raw.exists():
        raise ValueError(f"RAW={raw}: no such folder; give the folder that holds the raw files")
    if not raw.is_dir():
        raise ValueError(f"RAW={raw}: this is a file; give the folder that holds the raw files")
    if checkout.is_relative_to(raw):
        raise ValueError(f"RAW={raw}: this folder holds the checkout itself; give a folder of raw files only")
    if not any(raw.iterdir()):
        raise ValueError(f"RAW={raw}: this folder is empty; put the raw files into it")


def _name(raw: Path, name: str | None) -> str:
    if name is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", raw.name).strip("-.") or "raw"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) or name == RESERVED:
        raise ValueError(
            f"NAME={name}: not usable for a workspace; give letters, digits, '.', '_' or '-', at most 100, "
            f"beginning with a letter or digit, and not {RESERVED!r}"
        )
    return name


def _params_text(path: Path, raw: Path) -> str:
    params.load(path)
    values, source, over = params.read_yaml(path), path.name, corpus.read(raw).values
    if over:
        values = params.overlay(values, over)
        source = f"{path.name} with {raw / corpus.FILE} laid over it"
    header = (
        f"# Made by `make repro RAW=...` from the checkout's {source}; edit those, this file is made again.\n"
    )
    text = header + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    with TemporaryDirectory() as folder:
        merged = Path(folder) / path.name
        merged.write_text(text, encoding="utf-8")
        try:
            params.load(merged)
        except ValueError as error:
            raise ValueError(f"{raw / corpus.FILE}, laid over {error}") from None
    return text


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".unfinished-{link.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _write(path: Path, text: str) -> None:
    # Not tables.write_text: importing pandas takes a second.
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".unfinished-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)

"""A workspace: the pipeline on another raw folder, beside the checkout's own and without touching it.

work/<name>/ holds links to the checkout's src, pipelines, dvc.yaml and .dvcignore, a link `data` to the raw
folder, and files of its own: params.yaml (the checkout's, with the raw folder's corpus.yaml laid over it, and
the model's name neuralist-<name>), dvc.lock, artifacts/, and catalogue/, the changes of its catalogue. Its
.dvc shares the checkout's cache, so that a stage already run on the same input is not run again.

A raw folder may be someone else's: it is data, not code. Its corpus.yaml and its links may name what lies in
the folder alone, and no encoder of other texts, which would be run, unless whoever calls trusts the folder.
"""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from neuralist import files
from neuralist.config import corpus, params
from neuralist.ingest import changes
from neuralist.ingest.sources import folders, generic_csv

LINKS = ("src", "pipelines", "dvc.yaml", ".dvcignore")
MAX_NAME = 100  # bytes
RESERVED = "checkpoints"  # work/checkpoints holds the unfinished trainings of the checkout itself
# What is run where pairs.csv grades texts; the last one's encoder draws the map and is studied.
BY_CHARACTERS = "graded_char"
IN_TRUST = "or, if you trust whoever made this folder, give TRUST=1 to make, --trust to a command"
GRADED = ("malstm2016", BY_CHARACTERS, "graded")
SHORT = 6  # words: where half of the texts have fewer, they are read by characters as well
# DVC resolves the folder against the config's own place, work/<name>/.dvc.
DVC_CONFIG = "[core]\n    analytics = false\n    no_scm = true\n[cache]\n    dir = ../../../.dvc/cache\n"


class Workspace(NamedTuple):
    """A workspace that is ready for `dvc repro`: its folder, absolute, and what there is to know of it."""

    folder: Path
    note: str


def prepare(
    raw: Path,
    checkout: Path,
    name: str | None = None,
    experiments: Sequence[str] = (),
    *,
    trust: bool = False,
) -> Workspace:
    """Make the workspace work/<name> of a raw folder, or bring it up to date.

    Args:
        raw: folder with raw files in any form the songs stage reads, and perhaps a corpus.yaml.
        checkout: folder that holds dvc.yaml, params.yaml, src and pipelines.
        name: of the folder under work/; without it, the raw folder's own name, in its own script.
        experiments: to run; without any, those of params.yaml's `run`, or GRADED where pairs.csv grades texts
            and corpus.yaml names neither `run` nor `experiments`.
        trust: let corpus.yaml and links name what lies outside of the raw folder, and a sentence encoder.

    Raises:
        ValueError: the raw folder is missing, empty or holds the checkout; the name is odd, or serves
            another raw folder; a key or value of corpus.yaml is refused; an experiment is unknown; the raw
            folder holds a link to nothing, or a named pipe, or is not trusted, and names what it must not.
        OSError: a folder in it cannot be read.
    """
    raw, checkout = raw.expanduser().resolve(), checkout.resolve()
    _check_raw(raw, checkout)
    folder = checkout / "work" / _name(raw, name)
    link = folder / "data"
    if link.is_symlink() and link.readlink() != raw:
        raise ValueError(
            f"work/{folder.name} already serves {link.readlink()}, not {raw}; give NAME=<another name>, or, "
            f"for new data of the same corpus, put them there; or remove work/{folder.name} first, and with "
            f"it the changes of its catalogue, in work/{folder.name}/{changes.FOLDER}"
        )
    text, note = _params_text(checkout / "params.yaml", raw, list(dict.fromkeys(experiments)), folder.name)
    if not trust:
        _check_own(raw, checkout)
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    for target in LINKS:
        _link(folder / target, Path("../..") / target)
    _link(link, raw)
    _write(folder / ".dvc" / "config", DVC_CONFIG)
    _write(folder / "params.yaml", text)
    changes.create(folder / changes.FOLDER)
    return Workspace(folder, note)


def settings(raw: Path, checkout: Path, *, trust: bool = False) -> params.Params:
    """The settings that a workspace of this raw folder would have.

    Raises:
        ValueError: as `prepare` does, for corpus.yaml and a folder that is not trusted.
    """
    made = _checked(_values(checkout / "params.yaml", raw, [])[0], raw)
    if not trust:
        _check_own(raw.resolve(), checkout)
    return made


def _check_own(raw: Path, checkout: Path) -> None:
    """Have a raw folder, resolved, name nothing but its own files; its corpus.yaml is valid.

    data/ of a checkout or workspace passes: its params.yaml, the user's own, repeats what corpus.yaml says.

    Raises:
        ValueError: a link or a path of corpus.yaml leads out of it, or corpus.yaml names a sentence encoder.
    """
    if raw == (checkout / "data").resolve():
        return
    overrides = corpus.read(raw).values
    source = overrides.get("vectors", {}).get("source", "auto")
    for name in [source] if isinstance(source, str) else source:
        path = (raw / name).resolve()
        if name not in ("auto", "train") and not (path.is_relative_to(raw) and path.is_file()):
            raise ValueError(
                f"{raw / corpus.FILE}: vectors.source: {name!r} is no file in this folder; put it there, "
                f"{IN_TRUST}"
            )
    encoder = overrides.get("evaluate", {}).get("sentence_encoder")
    if encoder is not None:
        raise ValueError(
            f"{raw / corpus.FILE}: evaluate.sentence_encoder: {encoder!r} would be loaded and run; set it in "
            f"params.yaml, {IN_TRUST}"
        )
    for link in _links(raw):
        if not link.resolve().is_relative_to(raw):
            raise ValueError(
                f"{link}: is a link to {link.readlink()}, which is not in this folder; put the file there, "
                f"{IN_TRUST}"
            )


def _links(folder: Path) -> Iterator[Path]:
    """Yield the links in a folder and its folders; 3 s for the 840,000 files of Last.fm's lists."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry)
            elif entry.is_dir():
                yield from _links(Path(entry))


def _check_raw(raw: Path, checkout: Path) -> None:
    if not raw.exists():
        raise ValueError(f"RAW={raw}: no such folder; give the folder that holds the raw files")
    if not raw.is_dir():
        raise ValueError(f"RAW={raw}: this is a file; give the folder that holds the raw files")
    if checkout.is_relative_to(raw):
        raise ValueError(f"RAW={raw}: this folder holds the checkout itself; give a folder of raw files only")
    if not any(raw.iterdir()):
        raise ValueError(f"RAW={raw}: this folder is empty; put the raw files into it")
    folders.check(raw)  # before DVC, which would wait for what a named pipe holds


def _name(raw: Path, name: str | None) -> str:
    if name is None:
        letters = unicodedata.normalize("NFC", raw.name)  # some file systems keep é as e and an accent
        marked = "".join(letter if params.is_name(f"a{letter}") else "/" for letter in letters)
        name = re.sub("/+", "-", marked).strip("-.") or "raw"
    if not params.is_name(name) or len(name.encode()) > MAX_NAME or name == RESERVED:
        raise ValueError(
            f"NAME={name}: not usable for a workspace; give letters, digits, '.', '_' or '-', at most "
            f"{MAX_NAME} bytes, beginning with a letter or digit, and not {RESERVED!r}"
        )
    if f"-{name}".endswith(params.RECOMMENDER):
        raise ValueError(
            f"NAME={name}: not usable for a workspace, whose model would be neuralist-{name}, the name of "
            "another corpus' second model; give NAME=<another name>"
        )
    return name


def _params_text(path: Path, raw: Path, experiments: list[str], name: str) -> tuple[str, str]:
    """The params.yaml of the workspace of this name, and what there is to know of it."""
    values, note = _values(path, raw, experiments)
    overrides = corpus.read(raw).values
    if "name" not in overrides.get("register", {}):
        values["register"] = values["register"] | {"name": f"neuralist-{name}"}
    source = path.name
    if overrides:
        source += f" with {raw / corpus.FILE} laid over it"
    header = (
        f"# Made by `make repro RAW=...` from the checkout's {source}; edit those, this file is made again.\n"
    )
    notes = f"# {note}\n" if note else ""
    return header + notes + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110), note


def _values(path: Path, raw: Path, experiments: list[str]) -> tuple[dict[str, Any], str]:
    params.load(path)
    told = corpus.read(raw)
    values = corpus.merge_params(params.read_yaml(path), told)
    known = _checked(values, raw).experiments
    unknown = [name for name in experiments if name not in known]
    if unknown:
        raise ValueError(
            f"EXPERIMENTS={','.join(experiments)}: {', '.join(map(repr, unknown))} is not among the "
            f"experiments; name some of {', '.join(known)}"
        )
    notes = []
    if not experiments and not {"run", "experiments"} & set(told.values) and generic_csv.is_graded(raw):
        is_short = generic_csv.median_words(raw) < SHORT
        experiments = [name for name in GRADED if name in known and (is_short or name != BY_CHARACTERS)]
        if experiments:
            notes.append(f"pairs.csv grades texts, so these are run: {', '.join(experiments)}")
    if experiments:
        values["run"] = experiments
        if values["songmap"]["experiment"] not in (*experiments, params.TUNED):
            values["songmap"] = values["songmap"] | {"experiment": None}
    if generic_csv.gives_split(raw):
        values, equal = corpus.with_given_protocol(values)
        once = ", ".join(" = ".join(names) for names in equal.values() if len(names) > 1)
        notes.append("pairs.csv gives the split, so protocol given replaces the others")
        notes += [f"equal by now and run once: {once}"] if once else []
    return values, "; ".join(notes)


def _checked(values: dict[str, Any], raw: Path) -> params.Params:
    with files.temporary_folder() as folder:
        merged = folder / "params.yaml"
        files.write_text(merged, yaml.safe_dump(values, sort_keys=False))
        try:
            return params.load(merged)
        except ValueError as error:
            raise ValueError(f"{raw / corpus.FILE}, laid over {error}") from None


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".unfinished-{link.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        files.write_text(path, text)

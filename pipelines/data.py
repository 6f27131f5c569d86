"""Put raw data at data/ where there is none: the demo corpus, or what data.dvc pins, from a DVC remote.

`make data` runs it, in the checkout: python pipelines/data.py
The demo is made only where data.dvc pins exactly its bytes; otherwise `dvc repro` would take it for new data
and silently rewrite a team's data.dvc.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from neuralist import console, demo, files
from neuralist.ingest.sources import folders

DATA, PIN, WORK, DEMO = Path("data"), Path("data.dvc"), Path("work"), ".demo-"
# Exists while DVC writes data/ file by file: after a kill, the next call resumes the pull.
PULLING = WORK / ".pulling-data"


def main() -> None:
    """Keep existing data; otherwise write the demo corpus, or pull."""
    files.remove_leftovers(WORK, DEMO)
    if _has_data() and not PULLING.exists():
        folders.check(DATA)  # before DVC, which would wait for what a named pipe holds
        print("data/ is there and stays as it is.")
        if PIN.exists() and _differs():
            print(
                "It is not what data.dvc pins: `dvc checkout data.dvc` or `dvc pull data.dvc` brings that, "
                "`dvc add data` pins what is there, and so will `dvc repro`."
            )
        return
    pin = _pinned()["md5"]
    with files.named(DATA), files.temporary_folder(WORK, DEMO) as folder:
        corpus = folder / "data"
        demo.write(corpus)
        if demo.digest(corpus) == pin:
            _move_to_data(corpus)
            return
    _pull(pin)


def _has_data() -> bool:
    return any(DATA.iterdir()) if DATA.is_dir() else DATA.exists()


def _differs() -> bool:
    """Return whether data/ has not the number of files and bytes of data.dvc; hashing would take too long."""
    sizes = [path.stat().st_size for path in DATA.rglob("*") if path.is_file()]
    pinned = _pinned()
    return (pinned["nfiles"], pinned["size"]) != (len(sizes), sum(sizes))


def _pinned() -> dict[str, Any]:
    """Read md5, nfiles and size of the folder data from data.dvc.

    Raises:
        ValueError: data.dvc is missing or is not as DVC writes it.
    """
    try:
        [out] = yaml.safe_load(PIN.read_text(encoding="utf-8"))["outs"]
        return {"md5": out["md5"], "nfiles": out.get("nfiles"), "size": out.get("size")}
    except FileNotFoundError:
        raise ValueError(
            "neither data/ nor data.dvc is here; restore data.dvc (`git checkout data.dvc`), or put raw "
            "files into data/ and call `dvc add data`"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            "data.dvc does not name one folder and its md5, as `dvc add data` writes it; restore it with "
            "`git checkout data.dvc`"
        ) from error


def _move_to_data(corpus: Path) -> None:
    """Rename the demo corpus to data/: atomic, also when two calls run at once."""
    try:
        corpus.rename(DATA)
    except OSError:
        if not _has_data():
            raise
        print("data/ has been made by another call meanwhile and stays as it is.")
    else:
        print("data/ now holds the demo corpus: synthetic songs and similarities, made by neuralist.demo.")


def _pull(pin: str) -> None:
    """Run `dvc pull` for what data.dvc pins.

    Raises:
        ValueError: DVC cannot fetch it.
    """
    PULLING.touch()
    pulled = subprocess.run(
        [sys.executable, "-m", "dvc", "pull", str(PIN)], capture_output=True, text=True, check=False
    )
    PULLING.unlink(missing_ok=True)
    if pulled.returncode:
        messages = [line.strip(" :.") for line in pulled.stderr.splitlines() if line.strip()]
        raise ValueError(
            f"data.dvc pins {pin}, which is not the demo corpus, and no DVC remote that is reachable has it "
            f"({messages[0] if messages else f'exit code {pulled.returncode}'}); name one that does "
            "(`dvc remote add -d NAME URL`) or ask whoever committed data.dvc; the demo is not put there, "
            "since then `dvc repro` would rewrite data.dvc"
        )
    print("data/ now holds what data.dvc pins, from DVC's cache or remote.")


if __name__ == "__main__":
    console.run(main, "`make data` begins again")

"""Puts raw data at data/ where there is none: the demo corpus, or what data.dvc pins from a DVC remote.

`make data` runs it, in the checkout: python pipelines/data.py
The demo is made only where data.dvc pins its very bytes; elsewhere `dvc repro` would take them for new data
and rewrite a team's data.dvc without a word.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from neuralist import console, demo

DATA, PIN, WORK = Path("data"), Path("data.dvc"), Path("work")
# Stands while DVC writes data/ file by file: after a kill, the next call goes on with it.
PULLING = WORK / ".pulling-data"


def main() -> None:
    """Leave what is there, or else make the demo or pull."""
    if _filled() and not PULLING.exists():
        print("data/ is there and stays as it is.")
        if PIN.exists() and _differs():
            print(
                "It is not what data.dvc pins: `dvc checkout data.dvc` or `dvc pull data.dvc` brings that, "
                "`dvc add data` pins what is there, and so will `dvc repro`."
            )
        return
    pin = _pinned()["md5"]
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK, prefix=".demo-") as folder:
        made = Path(folder, "data")
        demo.write(made)
        if demo.digest(made) == pin:
            _place(made)
            return
    _pull(pin)


def _filled() -> bool:
    return any(DATA.iterdir()) if DATA.is_dir() else DATA.exists()


def _differs() -> bool:
    """Whether data/ has another number of files or bytes than data.dvc says; hashing would take too long."""
    sizes = [path.stat().st_size for path in DATA.rglob("*") if path.is_file()]
    pinned = _pinned()
    return (pinned["nfiles"], pinned["size"]) != (len(sizes), sum(sizes))


def _pinned() -> dict[str, Any]:
    """What data.dvc says of the folder data: md5, size, nfiles.

    Raises:
        ValueError: data.dvc is missing or is no file of DVC's.
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


def _place(made: Path) -> None:
    """Rename the demo to data/: whole or not at all, also when two calls run at once."""
    try:
        made.rename(DATA)
    except OSError:
        if not _filled():
            raise
        print("data/ has been made by another call meanwhile and stays as it is.")
    else:
        print("data/ now holds the demo corpus: synthetic songs and similarities, made by neuralist.demo.")


def _pull(pin: str) -> None:
    """Have DVC fetch what data.dvc pins.

    Raises:
        ValueError: it could not be fetched.
    """
    PULLING.touch()
    pulled = subprocess.run(
        [sys.executable, "-m", "dvc", "pull", str(PIN)], capture_output=True, text=True, check=False
    )
    PULLING.unlink(missing_ok=True)
    if pulled.returncode:
        said = [line.strip(" :.") for line in pulled.stderr.splitlines() if line.strip()]
        raise ValueError(
            f"data.dvc pins {pin}, which is not the demo corpus, and no DVC remote that is reachable has it "
            f"({said[0] if said else f'exit code {pulled.returncode}'}); name one that does "
            "(`dvc remote add -d NAME URL`) or ask whoever committed data.dvc; the demo is not put there, "
            "since then `dvc repro` would rewrite data.dvc"
        )
    print("data/ now holds what data.dvc pins, from DVC's cache or remote.")


if __name__ == "__main__":
    console.run(main)

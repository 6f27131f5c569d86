"""Where figures come from: the processor and the commit."""

import platform
import re
import subprocess
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_INFO = Path("/proc/cpuinfo")
# Of the hundred that Linux names, those by which other code runs: width of vectors, kind of products.
FLAGS = ("avx", "avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_tile", "sve")


@dataclass(frozen=True)
class Processor:
    """What figures depend on.

    Attributes:
        model: its name, with family and model number where Linux tells them: "AMD EPYC" alone is of any year.
        cores: that the system has.
        flags: those of FLAGS that it has, in that order; None where they are not known.
    """

    model: str
    cores: int
    flags: tuple[str, ...] | None

    def __str__(self) -> str:
        return f"{self.model}, {self.cores} cores"


def this_processor() -> Processor:
    """Return the processor that this runs on."""
    cores = cpu_count() or 1
    if not CPU_INFO.exists():
        return Processor(model=platform.processor() or platform.machine(), cores=cores, flags=None)
    return parse_cpu_info(CPU_INFO.read_text(encoding="utf-8"), cores)


def parse_cpu_info(text: str, cores: int) -> Processor:
    """Return the processor that /proc/cpuinfo describes; on ARM that file names flags alone."""
    entries = dict(re.findall(r"^(\S[^:\t\n]*?)[ \t]*:[ \t]*(.*?)[ \t]*$", text, flags=re.M))
    numbers = [(word, entries.get(key)) for word, key in (("family", "cpu family"), ("model", "model"))]
    name = entries.get("model name", platform.machine())
    has = (entries.get("flags") or entries.get("Features", "")).split()
    return Processor(
        model=", ".join([name, *(f"{word} {number}" for word, number in numbers if number)]),
        cores=cores,
        flags=tuple(flag for flag in FLAGS if flag in has),
    )


def commit() -> str:
    """Return the short hash of HEAD, and whether the code that is measured differs from it.

    Outside a git checkout that is "not recorded".
    """
    measured = ("src", "benchmarks/*.py", "params.yaml", "requirements.txt")
    changed = _git("status", "--porcelain", "--", *measured)
    head = _git("rev-parse", "--short", "HEAD") or "not recorded"
    return f"{head}, with changes" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()

"""Run `dvc repro` and show it: a line for each stage that ran, and on a terminal a bar for the one that runs.

Input: DVC's output, line by line, with that of the stages in it. Output: lines on the screen, and in a log
all that was said.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from types import FrameType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from neuralist.console.addresses import without_passwords

WIDTH = 100
# They run each time, since MLflow's store is no output of DVC's.
ALWAYS = {"track", "register"}
# What they say where they wrote to the store; all else says that it stands as it was.
WROTE = re.compile(r": recorded in MLflow$| is now (champion|challenger), | has moved with the checkout: ")
BETWEEN = "dvc"  # while no stage runs: it looks for what has changed, and keeps what was written
RUNNING = re.compile(r"Running stage '(.+)':$")
NOT_RUN = re.compile(r"(Stage )?'(.+)' (didn't change, skipping|is cached - skipping run, .*)$")
# What DVC says after a stage, and what it advises at the end.
CLOSING = ("Updating lock file", "Generating lock file", "To track the changes", "Use `dvc push`")
ACCURACY = re.compile(r"  (val_)?accuracy \S+")
DONE = re.compile(r"(?:epoch |^)(\d+)/(\d+)\b")


class PipelineView:
    """The stages of one `dvc repro`, shown as its output arrives line by line.

    Attributes:
        ran: stages that ran or came from the run cache, in order; those that always run included.
        kept: number of stages that did not have to run.
        wrote_to_store: whether a stage that always runs had something to do.
        output: lines since the last stage ended, or of the stage that runs.
    """

    def __init__(self, bars: Progress) -> None:
        self.ran: list[str] = []
        self.kept = 0
        self.wrote_to_store = False
        self.output: list[str] = []
        self._bars = bars
        self._stage = ""
        self._began = 0.0
        self._task = bars.add_task(BETWEEN, total=None, text="")

    @property
    def all_kept(self) -> bool:
        """Whether no stage ran but those that always run."""
        return ALWAYS.issuperset(self.ran)

    def line(self, line: str) -> None:
        """Take a line of DVC's or of a stage's."""
        if match := RUNNING.match(line):
            self.end()
            self._begin(match[1])
        elif match := NOT_RUN.match(line):
            self.end()
            self.output.clear()
            if "is cached" in line:
                self.ran.append(match[2])
                self._print(match[2], "", "from the cache of runs")
            elif match[1]:  # without the word Stage, it is a file of raw data
                self.kept += 1
        elif line.startswith(CLOSING):
            self.end()
        else:
            if self._stage and line and not line.startswith(("> ", "ERROR: ")):
                self._advance(line)
            self.output.append(line)

    def end(self) -> None:
        """Print the line of the stage that has ended, if any; one that always runs needs a reason for it."""
        if not self._stage:
            return
        self._show(BETWEEN)
        self.ran.append(self._stage)
        wrote = [line for line in self.output if self._stage in ALWAYS and WROTE.search(line)]
        self.wrote_to_store = self.wrote_to_store or bool(wrote)
        if wrote or not self.all_kept:
            seconds = f"{time.monotonic() - self._began:.0f} s"
            more = f", and {len(wrote) - 1} more" if wrote[1:] else ""
            self._print(self._stage, seconds, summary(wrote[:1] or self.output) + more)
        self._stage = ""
        self.output.clear()

    def _begin(self, stage: str) -> None:
        self._stage, self._began = stage, time.monotonic()
        self.output.clear()
        self._show(stage)

    def _show(self, name: str) -> None:
        # A new one, since a task of rich's that has had a total keeps it.
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=None, text="")

    def _advance(self, line: str) -> None:
        """Show a line of the running stage; one that says how far it is moves the bar."""
        text = line.strip().removeprefix(f"{self._stage.rpartition('@')[2]} ")
        text = ACCURACY.sub("", text)  # there is room for two or three figures: the losses say more
        done = DONE.search(text)
        if done:
            self._bars.update(self._task, completed=int(done[1]), total=int(done[2]), text=text)
        else:
            self._bars.update(self._task, text=text)

    def _print(self, stage: str, seconds: str, text: str) -> None:
        line = Text(f"{stage:16} {seconds:>6}  {text}", no_wrap=True, overflow="ellipsis")
        line.truncate(WIDTH, overflow="ellipsis")
        self._bars.console.print(line, highlight=False, soft_wrap=True)


def summary(output: Iterable[str]) -> str:
    """Return what a stage says in one line: its last line that is not indented, else its first.

    Addresses are left out: they would be cut.
    """
    lines = [line for line in output if line.strip() and not line.startswith("> ") and "://" not in line]
    chosen = [line for line in lines if not line.startswith(" ")] or lines[:1]
    return " ".join(chosen[-1].split()) if chosen else ""


def progress(screen: Console) -> Progress:
    """Return the line of the stage that runs, for a terminal: name, bar, what it said last, time left."""
    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[text]}", markup=False, table_column=rest),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        expand=True,
        disable=not screen.is_terminal,
    )


def run_dvc(log: TextIO, view: PipelineView) -> tuple[int, int]:
    """Run `dvc repro`; return its exit code and the signal that stopped it, or 0.

    DVC and its stages are a process group of their own: a signal goes to all of them, wherever it came from.
    Should this process be killed, their next line meets a closed pipe and ends them.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONUNBUFFERED": "1"},  # or a line of a stage comes with the next 8 KB
        process_group=0,
    )
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)
        os.killpg(process.pid, number)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # An ignored one stays so: under nohup the end of the terminal ends neither DVC nor this.
    former = {number: was for number in signals if (was := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in former:
        signal.signal(number, stop)
    try:
        for line in map(without_passwords, process.stdout or ()):
            log.write(line)
            log.flush()
            if not stopped:
                view.line(line.rstrip())
        code = process.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if not stopped and not code:
        view.end()
    return (code if code >= 0 else 128 - code), (stopped[0] if stopped else 0)

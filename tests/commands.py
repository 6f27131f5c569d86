"""The commands, called in this process."""

import json
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from neuralist.cli import app


def run(*arguments: str, **others: Any) -> Result:
    return CliRunner().invoke(app, arguments, **others)


def answer(*arguments: str, **others: Any) -> Any:
    """What a command prints as JSON, and nothing else."""
    result = run(*arguments, "--json", **others)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(*arguments: str, **others: Any) -> str:
    """The one line with which a command refuses."""
    result = run(*arguments, **others)
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")

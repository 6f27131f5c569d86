"""Effect sizes held to their limits by Great Expectations."""

from dataclasses import replace

import pytest

from neuralist.validation import limits
from neuralist.validation.limits import Limited

pytestmark = pytest.mark.slow  # Great Expectations


def test_an_interval_above_its_limit_fails_and_one_that_reaches_it_does_not() -> None:
    above, at = Limited("length", "KS", 0.21, 0.2), Limited("tags", "PSI", 0.25, 0.25)
    outcomes = limits.check([above, at])

    assert [outcome.verdict for outcome in outcomes] == ["failed", "passed"]
    assert outcomes[0].column == "length: KS"
    assert outcomes[0].promise == "length: KS is not shown to be above 0.2"


def test_without_a_limit_there_is_nothing_to_check() -> None:
    assert limits.check([]) == []


def test_a_check_that_cannot_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    [passed] = limits.check([Limited("length", "KS", 0.1, 0.2)])
    broken = replace(passed, verdict="broken", error="out of memory")
    monkeypatch.setattr(limits, "check_frame", lambda *_: [broken])

    with pytest.raises(ValueError, match=r"above 0\.2: the check failed to run \(out of memory\)"):
        limits.check([Limited("length", "KS", 0.1, 0.2)])

"""The harness of `make test-faults`: it sees what is wrong, counts it once, and goes on where it was."""

import json
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from faults import accounting, commands, damage, fuzz, raw_folders, served, stages, stop, targets, trials
from faults.commands import Ended
from faults.targets import Target
from faults.trials import Ledger, Outcome, Trial
from tests import raw

from neuralist.ingest.importing import generic as generic_form
from neuralist.ingest.importing import source
from neuralist.ingest.importing.roles import Flags

ROOT = Path(__file__).resolve().parents[2]
RIGHT, WRONG = Outcome.RECOVERED, Outcome.WRONG


def trial(number: int, outcome: Outcome = RIGHT, seed: int = 1) -> Trial:
    return Trial("kill", seed, number, outcome, "told")


# --- trials ----------------------------------------------------------------------------------------


def test_finished_trials_of_this_commit_kind_and_seed_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    Ledger(path, "old").add(trial(0))
    for one in (trial(1), trial(2, WRONG), trial(3, seed=2)):
        Ledger(path, "new").add(one)
    with path.open("a") as file:
        file.write('{"commit": "new", "kind": "ki')  # killed as it wrote

    assert Ledger(path, "new").finished("kill", 1) == {1: trial(1), 2: trial(2, WRONG)}
    assert Ledger(path, "new").finished("fuzz", 1) == {}


def test_outcomes_are_counted_and_shown_in_a_table() -> None:
    counts = trials.counted([trial(0), trial(1, Outcome.REFUSED), trial(2, WRONG), trial(3)])

    assert counts == {"tried": 4, "recovered": 2, "refused": 1, "wrong": 1}
    assert [line.split() for line in trials.table({"kill": counts}).splitlines()] == [
        ["tried", "recovered", "refused", "in", "one", "line", "wrong"],
        ["kill", "4", "2", "1", "1"],
    ]


def test_a_trial_draws_the_same_again_and_each_its_own() -> None:
    first = fuzz.request(1, 7)

    assert fuzz.request(1, 7) == first
    assert first not in [fuzz.request(1, 8), fuzz.request(2, 7)]


# --- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (Ended(1, "", "error: a.csv: empty; give a file with rows\n"), ""),
        (Ended(2, "note\n", "a note\nerror: no such option\n"), ""),
        (Ended(None, "", ""), "did not end"),
        (Ended(-11, "", ""), "exit status -11: "),
        (Ended(1, "", "ValueError: a\n"), "0 lines that begin with error: ValueError: a"),
        (Ended(1, "", "error: a\nerror: b\n"), "2 lines that begin with error: error: a error: b"),
        (Ended(1, "", f"error: {'a' * 1_000}\n"), "a line of 1,007 characters"),
        (Ended(1, "", "Traceback (most recent call last):\nerror: a\n"), "a traceback: "),
    ],
)
def test_a_refusal_is_one_line_and_status_1_or_2(ended: Ended, fault: str) -> None:
    seen = commands.fault_of_refusal(ended)
    assert seen == fault or (fault.endswith(": ") and seen.startswith(fault))


def test_a_kill_ends_a_command_with_all_that_it_started(tmp_path: Path) -> None:
    late = "import time, pathlib; time.sleep(0.6); pathlib.Path('late').touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {late!r}])"

    assert commands.cut_short((sys.executable, "-c", code), tmp_path, 0.3) is None
    assert commands.run((sys.executable, "-c", "import time; time.sleep(0.8)"), tmp_path, 60).code == 0
    assert not (tmp_path / "late").exists()


def test_a_command_that_had_ended_before_is_told_apart(tmp_path: Path) -> None:
    seconds = commands.cut_short((sys.executable, "-c", "pass"), tmp_path, 30)

    assert seconds is not None
    assert seconds < 30


STOPPED = "stopped by SIGTERM; call it again\n"


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (Ended(143, "epoch 1\n", STOPPED), ""),
        (Ended(143, "", f"a note\n{STOPPED}"), ""),
        (Ended(None, "", ""), "did not end in 60 s"),
        (Ended(0, "done\n", ""), "exit status 0: done"),
        (Ended(130, "", STOPPED), "exit status 130: "),
        (Ended(143, "", ""), "no line, or not the last: "),
        (Ended(143, "", STOPPED.replace("SIGTERM", "Ctrl-C")), "no line, or not the last: "),
        (Ended(143, "", f"{STOPPED}a note\n"), "no line, or not the last: "),
        (Ended(143, "", STOPPED * 2), "no line, or not the last: "),
        (Ended(143, "", f"Traceback (most recent call last):\n{STOPPED}"), "a traceback: "),
        (Ended(143, "", f"Exception ignored in: <function f>\n{STOPPED}"), "a traceback: "),
    ],
)
def test_a_stop_is_its_status_and_one_line(ended: Ended, fault: str) -> None:
    seen = stop.fault_of_stop(ended, signal.SIGTERM)
    assert seen == fault or (fault.endswith(": ") and seen.startswith(fault))


def test_a_stage_is_called_by_its_own_script() -> None:
    assert stages.command("register", ROOT) == ["python", "pipelines/register.py", "data", "artifacts"]
    words = stages.command("train@songs15", ROOT)
    assert words[:3] == ["python", "pipelines/train.py", "songs15"]
    assert words[-1] == "artifacts/experiments/songs15"


def test_all_that_a_stage_makes_is_compared() -> None:
    assert stages.outs("songmap", ROOT) == ("artifacts/songmap.png", "artifacts/songmap.html")
    [evaluate] = [target for target in targets.TARGETS if target.name == "evaluate"]
    assert {"artifacts/estimates", "artifacts/results.html", "artifacts/headline.json"} <= {*evaluate.outs}
    [train] = [target for target in targets.TARGETS if target.name == "train@words15"]
    assert train.outs == ("artifacts/experiments/words15",)


def test_each_stage_is_killed_and_stopped() -> None:
    dvc = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    killed = {target.name.partition("@")[0] for target in targets.TARGETS}
    assert {*dvc} - killed == {"track", "register"}  # both in "MLflow's store"
    assert {*dvc} <= {target.name.partition("@")[0] for target in stop.TARGETS}
    assert "dvc" not in {target.command[0] for target in stop.TARGETS}


SLEEPY = """
import pathlib, signal, sys, time
def stop(number, frame):
    print("stopped by SIGTERM; call it again", file=sys.stderr)
    sys.exit(143)
time.sleep(0.3)
signal.signal(signal.SIGTERM, stop)
try:
    time.sleep({})
finally:
    pathlib.Path("ended").touch()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(0.5)
"""


@pytest.mark.parametrize(("works", "is_stopped"), [(60, True), (0.1, False)])
def test_a_stop_comes_while_a_target_waits_for_it(works: float, is_stopped: bool, tmp_path: Path) -> None:
    (tmp_path / "template").mkdir()
    target = Target("sleepy", (sys.executable, "-c", SLEEPY.format(works)), (), 1)
    ended = stop.stopped(target, tmp_path / "template", tmp_path / "copy", 0.2, signal.SIGTERM)

    assert (tmp_path / "copy" / "ended").exists()
    assert isinstance(ended, Ended) is is_stopped
    if isinstance(ended, Ended):
        assert stop.fault_of_stop(ended, signal.SIGTERM) == ""


def test_a_difference_names_the_file_that_is_another_one() -> None:
    assert targets.difference({"out": {"a": b"12"}}, {"out": {"a": b"12"}}) == ""
    assert targets.difference({"out": {"a": b"12", "b": b""}}, {"out": {"a": b"123", "b": b""}}) == (
        "out: a differs: 2 bytes without a kill, 3 bytes after it"
    )
    assert targets.difference({"out": {"a": b"12"}}, {"out": {}}) == (
        "out: a differs: 2 bytes without a kill, absent after it"
    )


def test_a_small_lock_keeps_packages_with_all_of_their_hashes(tmp_path: Path) -> None:
    lock = "".join(
        f"{name}==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n" for name in ("numpy", "uv", "uvloop")
    )
    (tmp_path / "requirements.txt").write_text(lock)
    targets.write_small_lock(tmp_path)

    kept = (tmp_path / "requirements.txt").read_text()
    assert kept == "uv==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n"


# --- answers of the server -------------------------------------------------------------------------

ANSWER = json.dumps({"predictions": [{"similarity": 0.5}]})


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, ANSWER, RIGHT),
        (200, '{"predictions": []}', WRONG),
        (200, "<html>", WRONG),
        (400, '{"message": "row 1 of 1: received an empty text"}', Outcome.REFUSED),
        (400, '{"message": "File \\"model.py\\", line 3"}', WRONG),
        (400, '{"message": "no such file: /home/me/model"}', WRONG),
        (400, f'{{"message": "{"a" * 1_000}"}}', WRONG),
        (500, "Internal Server Error", WRONG),
        (0, "ConnectionResetError", WRONG),
    ],
)
def test_an_answer_is_right_refused_or_wrong(status: int, body: str, outcome: Outcome) -> None:
    assert served.judged(served.Answer(status, body), 1)[0] is outcome


def test_what_a_refusal_echoes_of_its_request_is_no_leak() -> None:
    answer = served.Answer(400, '{"message": "Expected 2 columns, got 1: ../../etc/passwd"}')
    assert served.judged(answer, 1, b"a,b\n../../etc/passwd\n")[0] is Outcome.REFUSED
    assert served.judged(answer, 1, b"a,b\nc\n")[0] is WRONG


# --- damaged folders -------------------------------------------------------------------------------


def made(folder: Path) -> accounting.Tables:
    """What stage songs makes of a folder."""
    tables = raw.build(folder)
    return accounting.Tables(tables.songs, tables.listed, tables.rejects)


def generic(folder: Path) -> Path:
    """Three texts, of which one is none, and three pairs, of which two are none."""
    raw.texts(folder, [["a", "rain on the roof"], ["b", "rain on the river"], ["c", "..."]])
    raw.pairs(folder, [["a", "b", "0.5"], ["a", "c", "0.5"], ["a", "b", "much"]])
    return folder


def official(folder: Path, form: str) -> Path:
    """Two songs, one of which lists the other and unknown tracks; a track without lyrics, and its list."""
    raw.two_songs(folder)
    with (folder / "msd/unique_tracks.txt").open("a", encoding="utf-8") as file:
        file.write("TRCCC1<SEP>SOCCC1<SEP>Nobody<SEP>Nothing\n")
    (folder / "msd/tracks_per_year.txt").write_text(
        "1985<SEP>TRAAA1<SEP>a<SEP>b\n1985<SEP>TRZZZ1<SEP>a<SEP>b\n"
    )
    if form == "json":
        raw.track_file(folder, "TRAAA1", [["TRBBB1", 0.5], ["TRCCC1", 0.5], ["TRBBB1", "much"]])
        raw.track_file(folder, "TRCCC1", [["TRAAA1", 0.5]])
    else:
        lists = [("TRAAA1", "TRBBB1,0.5,TRCCC1,0.5,TRBBB1,much"), ("TRCCC1", "TRAAA1,0.5")]
        raw.database(folder, lists, form)
    return folder


def test_a_tag_that_is_neither_used_nor_rejected_is_seen(tmp_path: Path) -> None:
    folder = official(tmp_path / "raw", "json")
    raw.tags_database(
        folder, ["TRAAA1", "TRZZZ1"], ["Folk  Rock", ""], [(1, 1, 100), (1, 2, 5), (1, 1, "?"), (2, 1, 9)]
    )
    tables = made(folder)
    assert accounting.faults(folder, tables) == []

    of_song = tables.songs["lastfm_tags"].map(lambda _: [])
    lost = accounting.faults(folder, tables._replace(songs=tables.songs.assign(lastfm_tags=of_song)))
    assert lost == ["msd/lastfm_tags.db:tid_tag:1: tag 'Folk  Rock' of TRAAA1 neither used nor rejected"]


def test_where_all_is_used_or_rejected_nothing_is_lost(tmp_path: Path) -> None:
    assert accounting.faults(generic(tmp_path / "g"), made(tmp_path / "g")) == []
    for form in ("json", "similars_src", "similars_dest"):
        folder = official(tmp_path / form, form)
        assert accounting.faults(folder, made(folder)) == [], form


@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("songs", "texts.csv: 3 there, 1 used and 1 rejected"),
        ("listed", "pairs.csv: 3 there, 0 used and 2 rejected"),
        ("rejects", "pairs.csv: 3 there, 1 used and 1 rejected"),
    ],
)
def test_a_row_that_a_table_of_a_generic_folder_lacks_is_seen(table: str, lost: str, tmp_path: Path) -> None:
    tables = made(generic(tmp_path / "raw"))
    shorter = tables._replace(**{table: getattr(tables, table).iloc[:-1]})

    assert accounting.faults(tmp_path / "raw", shorter) == [lost]


@pytest.mark.parametrize("form", ["json", "similars_src", "similars_dest"])
def test_each_row_that_a_table_of_an_official_folder_lacks_is_seen(form: str, tmp_path: Path) -> None:
    folder = official(tmp_path / "raw", form)
    tables = made(folder)
    # Tags and repeats apart, each reject stands for records of its own.
    for number in range(len(tables.rejects)):
        without = pd.concat([tables.rejects.iloc[:number], tables.rejects.iloc[number + 1 :]])
        assert len(accounting.faults(folder, tables._replace(rejects=without))) == 1, tables.rejects.iloc[
            number
        ]
    assert accounting.faults(folder, tables._replace(listed=tables.listed.iloc[1:])) != []
    assert accounting.faults(folder, tables._replace(songs=tables.songs.iloc[1:])) != []


def test_a_line_of_a_list_of_duplicates_that_joins_no_songs_is_seen(tmp_path: Path) -> None:
    folder = official(tmp_path / "raw", "json")
    lines = "# two songs\nTRAAA1\n%1 Anna\nTRAAA1\nTRBBB1\nTRZZZ1\nno track\n"
    (folder / "msd/lastfm_duplicates.txt").write_text(lines, encoding="utf-8")
    tables = made(folder)
    assert accounting.faults(folder, tables) == []

    apart = tables._replace(songs=tables.songs.assign(group_id=tables.songs["song_id"]))
    lost = "msd/lastfm_duplicates.txt:5: the song of TRBBB1 is not joined with those before it"
    assert accounting.faults(folder, apart) == [lost]
    not_named = tables._replace(rejects=tables.rejects.loc[tables.rejects["source"] != "lastfm_duplicates"])
    assert [fault.partition(": ")[0] for fault in accounting.faults(folder, not_named)] == [
        "msd/lastfm_duplicates.txt:2",
        "msd/lastfm_duplicates.txt:7",
    ]


def imported(folder: Path, form: str) -> tuple[list[Path], Path]:
    """Twenty pairs in a file, of which `import` leaves out the one without a grade."""
    foxes = [f"fox {row}" for row in range(20)]
    grades = ["much", *(str(1 + row % 5) for row in range(19))]
    pairs = pd.DataFrame({"sentence1": foxes, "sentence2": [*foxes[1:], "a hen"], "score": grades})
    path = folder / f"pairs.{form}"
    if form in ("csv", "tsv"):
        pairs.to_csv(path, index=False, sep="," if form == "csv" else "\t")
    elif form in ("parquet", "xlsx"):
        (pairs.to_parquet if form == "parquet" else pairs.to_excel)(path, index=False)
    else:
        pairs.to_json(path, orient="records", lines=form == "jsonl")
    generic_form.write(source.read([path], Flags()), folder / "new", "pairs")
    return [path], folder / "new"


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl", "parquet", "xlsx"])
def test_each_row_that_an_import_loses_is_seen(form: str, tmp_path: Path) -> None:
    sources, new = imported(tmp_path, form)
    assert accounting.faults_of_import(sources, new) == []

    for name, lost in (
        ("pairs", "import: 20 there, 18 used and 1 rejected"),
        ("left_out", "import: 20 there, 19 used and 0 rejected"),
    ):
        whole = (new / f"{name}.csv").read_text(encoding="utf-8")
        (new / f"{name}.csv").write_text("".join(whole.splitlines(keepends=True)[:-1]), encoding="utf-8")
        assert accounting.faults_of_import(sources, new) == [lost]
        (new / f"{name}.csv").write_text(whole, encoding="utf-8")
    texts = (new / "texts.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (new / "texts.csv").write_text("".join([*texts[:-1], texts[1]]), encoding="utf-8")
    [twice, absent] = accounting.faults_of_import(sources, new)
    assert twice.endswith(" 2 times")
    assert absent.endswith(" is in no row of texts.csv")


def test_each_song_that_an_import_loses_is_seen(tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    for name, text in (("Anna - Rain", "rain on the roof"), ("Ben - River", "a river"), ("Cat", "a cat")):
        (songs / f"{name}.txt").write_text(text, encoding="utf-8")
    generic_form.write(source.read([songs], Flags()), tmp_path / "new", "songs")
    assert accounting.faults_of_import([songs], tmp_path / "new") == []

    (tmp_path / "new" / "left_out.csv").unlink()
    assert accounting.faults_of_import([songs], tmp_path / "new") == [
        "import: 3 there, 2 used and 0 rejected"
    ]


@pytest.mark.parametrize("layout", raw_folders.LAYOUTS)
def test_damage_changes_a_folder_and_the_same_draws_do_the_same(layout: str, tmp_path: Path) -> None:
    done = []
    for name in ("first", "second"):
        draw = trials.draws("corrupt", 1, 2)
        raw_folders.LAYOUTS[layout](tmp_path / name, draw)
        done.append(damage.spoil(tmp_path / name, draw))

    assert done[0] == done[1] != []
    seen = [
        {p.relative_to(tmp_path / name): p.lstat().st_size for p in (tmp_path / name).rglob("*")}
        for name in ("first", "second")
    ]
    assert seen[0] == seen[1]

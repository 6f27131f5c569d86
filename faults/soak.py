"""Four clients at once for long: the server's memory at the end is within 5 % of that after its start.

A trial asks the pair model with pairs of made-up songs of many lengths. Memory counts from when every client
has asked for a minute (in a sample 15 s): until then caches and buffers fill.
"""

import json
import random
import threading
import time
from collections.abc import Iterator

from faults import served
from faults.fuzz import JSON
from faults.trials import Outcome, Run, Told, draws
from neuralist.serving.registered import COMPARE

SAMPLE, FULL = 1, 1
CLIENTS, MOST = 4, 0.05
SECONDS, WARM = {False: 75.0, True: 3_600.0}, {False: 15.0, True: 60.0}


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Ask for a minute, or with --full for an hour, a trial."""
    words = (served.SERVED / "vocabulary.txt").read_text(encoding="utf-8").split()
    for number in run.numbers:
        with served.running(run.scratch, COMPARE) as [server]:
            yield (
                number,
                _trial(server, words, draws("soak", run.seed, number), SECONDS[run.full], WARM[run.full]),
            )


def _client(
    port: int, words: list[str], draw: random.Random, end: float, counts: list[int], wrong: list[str]
) -> None:
    while time.monotonic() < end:
        rows = [
            {name: " ".join(draw.choices(words, k=draw.randint(1, 300))) for name in ("lyrics_a", "lyrics_b")}
            for _ in range(draw.choice([1, 1, 1, 10, 50]))
        ]
        answer = served.ask(port, json.dumps({"dataframe_records": rows}).encode(), {"Content-Type": JSON})
        outcome, said = served.judged(answer, len(rows))
        counts.append(1)
        if outcome is not Outcome.RECOVERED:
            wrong.append(said)


def _trial(server: served.Server, words: list[str], draw: random.Random, seconds: float, warm: float) -> Told:
    counts, wrong, end = list[int](), list[str](), time.monotonic() + seconds
    clients = [
        threading.Thread(
            target=_client, args=(server.port, words, random.Random(draw.random()), end, counts, wrong)
        )
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    time.sleep(warm)
    before, samples = served.memory(server), list[float]()
    while time.monotonic() < end:
        time.sleep(1)
        samples.append(served.memory(server))
    for client in clients:
        client.join()
    # The middle of the last tenth: one request of 50 pairs is no growth.
    last = sorted(samples[-max(1, len(samples) // 10) :])
    after = last[len(last) // 2]
    growth = after / before - 1
    said = f"{len(counts):,} requests of {CLIENTS} clients in {seconds:.0f} s"
    said += f"; {before:.0f} MB, then {after:.0f} MB ({growth:+.1%})"
    if wrong:
        return Outcome.WRONG, f"{said}; {len(wrong)} wrong answers, the first: {wrong[0]}"
    return (Outcome.RECOVERED if growth <= MOST else Outcome.WRONG), said

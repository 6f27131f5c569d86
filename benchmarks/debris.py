"""How many of a song's ten nearest stay when its lyrics come with debris, before and after cleaning.

Command: python -m benchmarks.debris SONGS EXPERIMENT OUT
SONGS is songs.parquet, of which `lyrics` is read; EXPERIMENT a trained folder; OUT a JSON file. Every form
is put on the same drawn songs; the catalogue is clean.
"""

import argparse
import html
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.nearest import nearest, share_kept
from neuralist import files
from neuralist.model.encoder import Encoder
from neuralist.text import cleaning
from neuralist.text.tokenizer import words

N_SONGS, SEED = 400, 2017


def headers(text: str) -> str:
    """Put a header before every fourth line."""
    lines = text.split("\n")
    names = ("Verse 1: Ann Odd", "Chorus", "Verse 2: Ann Odd & Guest", "Bridge", "Chorus (x2)", "Outro")
    parts = [lines[start : start + 4] for start in range(0, len(lines), 4)]
    return "\n".join(f"[{names[i % len(names)]}]\n" + "\n".join(part) + "\n" for i, part in enumerate(parts))


def scraped(text: str) -> str:
    """Make of a text a page of a lyrics site."""
    first, *rest = headers(text).split("\n[")
    ad = "\nSee Ann Odd LiveGet tickets as low as $47You might also like["
    start = "27 ContributorsTranslationsEspañolPortuguêsKettle Song Lyrics"
    return start + ad.join([first, "\n[".join(rest)] if rest else [first]).rstrip() + "27Embed"


def lrc(text: str, *, by_word: bool = False) -> str:
    """Put a time before each line, and before each word."""
    rows = ["[ar:Ann Odd]", "[ti:Kettle Song]", "[length:02:41]"]
    for second, line in enumerate(text.split("\n")):
        time = f"{second // 60:02d}:{second % 60:02d}.40"
        words = " ".join(f"<{time}> {word}" for word in line.split()) if by_word else line
        rows.append(f"[{time}]{words}")
    return "\n".join(rows)


def cut(text: str) -> str:
    """Leave out two lines: no debris, but the scale on which to read the rest."""
    lines = text.split("\n")
    return "\n".join(line for i, line in enumerate(lines) if i not in (2, len(lines) // 2))


FORMS: dict[str, Callable[[str], str]] = {
    "two lines cut": cut,
    "section headers": headers,
    "scraped page": scraped,
    "LRC, lines": lrc,
    "LRC, words": lambda text: lrc(text, by_word=True),
    "HTML": lambda text: html.escape(text).replace("\n", "<br>\n"),
    "escaped line ends": lambda text: text.replace("\n", "\\n"),
    "mojibake": lambda text: text.replace("'", "’").encode().decode("cp1252", "replace"),
    "soft hyphens": lambda text: "\u00ad".join(text[i : i + 3] for i in range(0, len(text), 3)),
    "zero-width spaces": lambda text: "\u200b".join(text[i : i + 5] for i in range(0, len(text), 5)),
}


def measure(songs: pd.DataFrame, encoder: Encoder) -> dict[str, dict[str, float]]:
    """Return by form the shares of the nearest that stay, and of songs that get the clean text's words."""
    encoder.clean = str  # the text as it is: cleaning is done here, or not
    lyrics = [cleaning.clean(text).text for text in songs["lyrics"]]
    catalogue = encoder.encode(lyrics)
    drawn = np.random.default_rng(SEED).choice(len(lyrics), min(N_SONGS, len(lyrics)), replace=False)
    expected = _nearest(encoder, catalogue[drawn], catalogue, drawn)

    def stay(embeddings: np.ndarray) -> float:
        return round(share_kept(expected, _nearest(encoder, embeddings, catalogue, drawn)), 4)

    shares = {}
    for name, form in FORMS.items():
        texts = [form(lyrics[song]) for song in drawn]
        cleaned = [cleaning.clean(text).text for text in texts]
        shares[name] = {
            "before": stay(encoder.encode(texts)),
            "after": stay(encoder.encode(cleaned)),
            "same words": float(
                np.mean([words(a) == words(lyrics[b]) for a, b in zip(cleaned, drawn, strict=True)])
            ),
        }
    return shares


def _nearest(encoder: Encoder, queries: np.ndarray, catalogue: np.ndarray, own: np.ndarray) -> list[set[int]]:
    """Return the nearest songs of each query, but its own."""
    others = [np.delete(np.arange(len(catalogue)), song) for song in own]
    return [
        nearest(encoder.similarity(query[None], catalogue[candidates]), candidates)
        for query, candidates in zip(queries, others, strict=True)
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("songs", "experiment", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    songs = pd.read_parquet(args.songs, columns=["lyrics"])
    shares = measure(songs, Encoder.load(args.experiment))
    files.write_text(args.out, json.dumps(shares, indent=2) + "\n")
    for name, values in shares.items():
        print(f"{name:<20}", "  ".join(f"{key} {value:.1%}" for key, value in values.items()))


if __name__ == "__main__":
    main()

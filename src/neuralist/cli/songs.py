"""Commands on songs: compare, recommend, playlist, map."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from neuralist import files
from neuralist.cli import explanation, shell
from neuralist.cli.shell import Json, Model, shown
from neuralist.excerpts import excerpt

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from neuralist import api
    from neuralist.config.records import ServedModel
    from neuralist.model.encoder import Encoder
    from neuralist.serving.catalogue import Catalogue
    from neuralist.serving.facts import Facts

# Two songs of 300 distinct lines make 90,000 pairs of lines, compared in 0.1 s.
LINES, LINES_SHOWN = 300, 5
_ENDS = 2  # of a path
_MIN_WORDS = 3  # of a line: shorter lines are alike by chance

# What `serving.catalogue` and `serving.facts` call what these options give.
_RECOMMEND = {
    "artist": "--artist",
    "year": "--year",
    "tags": "--tags",
    "min_year": "--min-year",
    "contrast": "--contrast",
    "language": "--language",
}
_PLAYLIST = {"n": "-n", "end": "--to", "nots": "--not", "language": "--language"}

IsText = Annotated[bool, typer.Option("--text", help="What is given is the lyrics, never a file's name.")]
Versions = Annotated[
    bool, typer.Option("--versions", help="Show all versions and covers of a song, rather than one.")
]
Language = Annotated[
    str | None,
    typer.Option(help="Only songs in the 'same' language, in an 'other' one, or in one by its code: 'fr'."),
]
Song = Annotated[
    str | None, typer.Option("--song", help="A song of the catalogue: 'artist - title', or its id.")
]


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A text file, '-' for stdin, or the lyrics.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same of the other song.")],
    is_text: IsText = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show the lines and words that speak for the similarity or against."),
    ] = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """How alike two songs are, and which of their lines.

    The percentile says how many of all pairs of the catalogue are less alike. The model reads whole songs;
    its scores of single lines are an illustration, and no reason. Lines of one or two words are left out.
    With --explain each line and each word is left out of its song in turn, and the songs are compared again:
    what it contributes is by how much they are then less similar.
    """
    lyrics = [_lyrics(a, "A", is_text=is_text), _lyrics(b, "B", is_text=is_text)]
    import numpy as np

    from neuralist import api

    loaded = api.load(model)
    texts = [_cleaned(loaded, given) for given in lyrics]
    served, answer = loaded.served, loaded.predict(texts[:1], texts[1:], cleaned=True).iloc[0]
    known = [float(answer.known_a), float(answer.known_b)]
    for (source, _), share in zip(lyrics, known, strict=True):
        _check_known(loaded, source, share)
    percentile = float(np.interp(answer.similarity, served.quantiles, range(len(served.quantiles))))
    result = {
        "similarity": float(answer.similarity),
        "similar": bool(answer.similar),
        "threshold": served.threshold,
        "decile": int(answer.decile),
        "percentile": round(percentile, 1),
        "tokens_used": [int(answer.tokens_used_a), int(answer.tokens_used_b)],
        "known": known,
        "lines": alike_lines(loaded.encoder, *texts),
        **_provenance(served),
    }
    if explain:
        result["explanation"] = explanation.of_texts(loaded, *texts)
    if as_json:
        shell.print_json(result)
    else:
        _print_comparison(result)


def _print_comparison(result: dict[str, Any]) -> None:
    verdict = "similar" if result["similar"] else "not similar"
    decile = result["decile"]
    used = " and ".join(f"{n:,}" for n in result["tokens_used"])
    known = " and ".join(f"{share:.0%}" for share in result["known"])
    for name, text in (
        ("similarity", f"{result['similarity']:.3f}, {verdict} (from {result['threshold']:.3f} on it is)"),
        ("decile", f"{decile} ({decile / 10:.1f} to {(decile + 1) / 10:.1f})"),
        ("percentile", f"{result['percentile']:.1f} % of all pairs of the catalogue are less alike"),
        ("read", f"{used} words, {known} of them known"),
    ):
        print(f"{name:<11} {text}")
    if "explanation" in result:
        explanation.show(result["explanation"])
    elif result["lines"]:
        rows = [(line["similarity"], line["a"], line["b"]) for line in result["lines"]]
        print()
        shell.console().print(shell.table(["similarity", "line of A", "line of B"], rows))
    _print_provenance(result)


def alike_lines(encoder: "Encoder", a: str, b: str) -> list[dict[str, Any]]:
    """Return the most similar pairs of lines, best first; each line is in one pair at most.

    Of each text, cleaned already, the first LINES lines are compared, and LINES_SHOWN pairs come back.
    """
    import numpy as np

    lines: list[list[str]] = []
    embeddings = []
    for text in (a, b):
        of_text = _lines(text, encoder.windowing.segmenter)
        reading = encoder.read(of_text, cleaned=True)
        # Lines of no known word all look alike.
        lines.append([line for line, share in zip(of_text, reading.known, strict=True) if share])
        embeddings.append(reading.embeddings[reading.known > 0])
    if not all(lines):
        return []
    similarity = encoder.pair_similarity([*lines[0], *lines[1]], np.concatenate(embeddings))
    left, right = np.indices(tuple(map(len, lines))).reshape(2, -1)
    scores = similarity(left, len(lines[0]) + right).reshape(len(lines[0]), -1)
    pairs: list[dict[str, Any]] = []
    while len(pairs) < min(LINES_SHOWN, *map(len, lines)):
        i, j = (int(index) for index in np.unravel_index(np.argmax(scores), scores.shape))
        pairs.append({"similarity": round(float(scores[i, j]), 6), "a": lines[0][i], "b": lines[1][j]})
        scores[i], scores[:, j] = -1, -1
    return pairs


def _lines(text: str, segmenter: str | None) -> list[str]:
    """Return the first LINES distinct lines of a text that have three words or more."""
    from neuralist.text import tokenizer

    distinct: dict[tuple[str, ...], str] = {}
    for line in text.splitlines():
        words = tuple(tokenizer.words(line, segmenter))
        if len(words) >= _MIN_WORDS:
            distinct.setdefault(words, " ".join(line.split()))
    return list(distinct.values())[:LINES]


def recommend(  # noqa: PLR0913 - each is an option
    *,
    song: Song = None,
    lyrics: Annotated[str | None, typer.Option(help="A text file, '-' for stdin, or the lyrics.")] = None,
    is_text: IsText = False,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many songs.")] = 10,
    exclude_artist: Annotated[str | None, typer.Option(help="Leave out this artist's songs.")] = None,
    min_year: Annotated[int | None, typer.Option(help="Leave out earlier songs.")] = None,
    max_year: Annotated[int | None, typer.Option(help="Leave out later songs.")] = None,
    artist: Annotated[str | None, typer.Option(help="Who sings the lyrics. It leaves nobody out.")] = None,
    year: Annotated[int | None, typer.Option(help="The year of the lyrics' song.")] = None,
    tags: Annotated[str | None, typer.Option(help="Tags of the lyrics' song: 'soul, 70s'.")] = None,
    lyrics_only: Annotated[bool, typer.Option("--lyrics-only", help="Rank by lyrics alone.")] = False,
    contrast: Annotated[
        bool,
        typer.Option("--contrast", help="Only songs of another genre, or 20 years or more away; by lyrics."),
    ] = False,
    language: Language = None,
    versions: Versions = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """The songs of the catalogue nearest to a song of it, or to lyrics.

    They are ranked by lyrics, and by artist, year and tags where these are known: of a song of the catalogue
    they are. Of the versions and covers of a song the nearest is shown, and none of those of the song itself.
    The language of lyrics is detected; songs of unknown language are left out where --language is given.
    """
    if (song is None) == (lyrics is None):
        raise typer.BadParameter("give either --song or --lyrics")
    if song is not None and any(fact is not None for fact in (artist, year, tags)):
        raise typer.BadParameter("--artist, --year and --tags are for --lyrics; a song has its own")
    given = None if lyrics is None else _lyrics(lyrics, "--lyrics", is_text=is_text)
    from neuralist import api

    loaded = api.load(model)
    catalogue = loaded.catalogue
    with shell.named_options(_RECOMMEND):
        query = (
            _of_song(catalogue, song or "")
            if given is None
            else _of_lyrics(loaded, given, artist, year, tags, language)
        )
        nearest = catalogue.nearest(
            query.embedding[None],
            k,
            exclude_song=query.position,
            facts=[query.facts],
            query_languages=None if query.language is None else [query.language],
            exclude_artist=exclude_artist,
            min_year=min_year,
            max_year=max_year,
            versions=versions,
            contrast=contrast,
            # Of a model without a blend nobody has asked for the facts of a song of the catalogue.
            lyrics_only=lyrics_only or (query.position is not None and catalogue.blend is None),
            language=language,
        )
    for note in nearest.attrs.get("notes", []) if song is None else []:
        shell.warn(note)
    if nearest.empty:
        why = "" if language is None else f" ({catalogue.spoken})"
        raise ValueError(
            f"none of {len(catalogue.songs):,} songs is left by these options{why}; ask for more"
        )
    result = _recommended(catalogue, query, nearest, language, contrast=contrast)
    _print_songs(catalogue, result | _provenance(loaded.served), "Near", as_json)


class _Query(NamedTuple):
    """What songs are to be near to.

    Attributes:
        embedding: float32 (units,).
        facts: what is known beside the lyrics.
        language: as `text.languages` gives it; None where nothing asks for it.
        position: in the catalogue; None of lyrics.
        song: its metadata; None of lyrics.
    """

    embedding: "np.ndarray"
    facts: "Facts"
    language: str | None
    position: int | None = None
    song: dict[str, Any] | None = None


def _of_song(catalogue: "Catalogue", song: str) -> _Query:
    """Return a song of the catalogue as a query.

    Raises:
        ValueError: see `_find`.
    """
    position, metadata = _find(catalogue, song, "--song")
    spoken = catalogue.songs["language"].iloc[position]
    return _Query(catalogue.embeddings[position], catalogue.facts(position), spoken, position, metadata)


def _of_lyrics(
    loaded: "api.Model",
    given: "_Lyrics",
    artist: str | None,
    year: int | None,
    tags: str | None,
    language: str | None,
) -> _Query:
    """Return lyrics as a query, with what --artist, --year and --tags say of them.

    Raises:
        ValueError: the text is no lyrics, the model knows none of its words, or a fact is invalid.
    """
    from neuralist.serving.catalogue import OTHER, SAME
    from neuralist.serving.facts import checked
    from neuralist.text import languages

    cleaned = _cleaned(loaded, given)
    reading = loaded.read([cleaned], cleaned=True)
    _check_known(loaded, given.source, float(reading.known[0]))
    spoken = languages.detect([cleaned])[0] if language in (SAME, OTHER) else None
    return _Query(reading.embeddings[0], checked(artist, year, tags), spoken)


def _recommended(
    catalogue: "Catalogue", query: _Query, nearest: "pd.DataFrame", language: str | None, *, contrast: bool
) -> dict[str, Any]:
    """Return the nearest songs and what ranked and chose them, as --json has it."""
    from neuralist.text import languages

    result: dict[str, Any] = {
        "query": query.song,
        "used": nearest["used"].iloc[0].split(", ") if "used" in nearest else ["lyrics"],
        "notes": nearest.attrs.get("notes", []),
        "songs": _records(nearest),
    }
    if contrast:
        result["contrast"] = {"genres": catalogue.genres(query.facts), "year": query.facts.year}
    if language is not None:
        result["language"] = {"asked": languages.code(language) or language, "query": query.language}
    return result


def playlist(  # noqa: PLR0913 - each is an option
    *,
    song: Annotated[
        str | None, typer.Option("--song", "--from", help="The first song: 'artist - title', or its id.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="The last song: the playlist is a path between the two.")
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option("--like", help="A song to be like; repeat it for several.")
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option("--not", help="A song to be unlike; likewise."),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many songs.")] = 10,
    language: Language = None,
    versions: Versions = False,
    out: Annotated[
        Path | None, typer.Option(help="Write it to this .m3u, .m3u8, .json or .csv file.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--files", help="The folder of your audio files, for their paths.")
    ] = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """A playlist from a song on, between two songs, or of songs like some and unlike others.

    --song walks to the nearest neighbour, and on from there; the similarity is that to the song before.
    --from and --to go from one song to the other in short, even steps. --like and --not rank by the geometric
    mean of the similarities to the ones, less the mean of those to the others. No song comes twice, in no
    other version or cover either, and no artist twice in a row. --language compares with the first song.
    """
    if (song is None) == (not like):
        raise typer.BadParameter("give either --song (or --from), or --like")
    if (to is not None and song is None) or (unlike and not like):
        raise typer.BadParameter("--to needs --from, and --not needs --like")
    if to is not None and n < _ENDS:
        raise typer.BadParameter("-n: a path from one song to another has 2 songs or more")
    from neuralist.cli import playlist_files

    if out is not None:
        playlist_files.check(out)
    audio = None if folder is None else playlist_files.AudioFiles(folder)
    from neuralist import api

    loaded = api.load(model)
    catalogue = loaded.catalogue
    asked = {
        "--song" if to is None else "--from": [] if song is None else [song],
        "--to": [] if to is None else [to],
        "--like": like or [],
        "--not": unlike or [],
    }
    # By position: a song that is named twice, or by two names, counts once.
    starts, ends, likes, nots = (
        dict(_find(catalogue, text, option) for text in texts) for option, texts in asked.items()
    )
    result: dict[str, Any] = {"query": next(iter(starts.values()), None)}
    if ends:
        [result["to"]] = ends.values()
    if likes:
        result |= {"like": [*likes.values()], "not": [*nots.values()]}
    named = _Named([*starts], [*ends], [*likes], [*nots])
    with shell.named_options(_PLAYLIST):
        played = _played(catalogue, named, n, language, versions)
    result |= {"songs": _records(played)} | _provenance(loaded.served)
    if audio is not None:
        audio.name(result["songs"])
    if out is not None:
        playlist_files.write(out, result, _name(catalogue, result))
    _print_playlist(catalogue, result, as_json=as_json)
    if out is not None:
        _tell_written(out, result)


class _Named(NamedTuple):
    """The songs that a playlist is made from, by position: one start and perhaps an end, or likes."""

    starts: list[int]
    ends: list[int]
    likes: list[int]
    nots: list[int]


def _played(
    catalogue: "Catalogue", named: _Named, n: int, language: str | None, versions: bool
) -> "pd.DataFrame":
    """Return a playlist's songs, with the similarity to the one before, or with the score by likes."""
    options: dict[str, Any] = {"versions": versions, "language": language}
    if named.likes:
        walk, scores = catalogue.like(named.likes, named.nots, n, **options)
        columns = {"score": scores.round(6)}
    else:
        [start] = named.starts
        if named.ends:
            walk = catalogue.path(start, named.ends[0], n, **options)
        else:
            walk = catalogue.playlist(start, n, **options)
        steps = catalogue.embeddings[walk]
        columns = {"similarity": [None, *catalogue.similarity(steps[:-1], steps[1:]).round(6)]}
    songs = catalogue.songs.iloc[walk].assign(rank=range(1, n + 1), **columns)
    return songs if language is not None else songs.drop(columns="language")


def _print_playlist(catalogue: "Catalogue", result: dict[str, Any], *, as_json: bool) -> None:
    if not as_json and ("to" in result or "like" in result):
        print(f"{shown(_name(catalogue, result))}\n")
        result = result | {"query": None}
    _print_songs(catalogue, result, "From", as_json)


def _name(catalogue: "Catalogue", result: dict[str, Any]) -> str:
    """Return what a playlist is called: "From A to B", "Like A and B, not C"."""
    from neuralist.serving.catalogue import joined

    def label(song: dict[str, Any]) -> str:
        year = f" ({song['year']})" if song["year"] else ""
        return f"{catalogue.label(song['song_id'], song['artist'], song['title'])}{year}"

    if "like" in result:
        nots = f", not {joined([label(song) for song in result['not']])}" if result["not"] else ""
        return f"Like {joined([label(song) for song in result['like']])}{nots}"
    return f"From {label(result['query'])}" + (f" to {label(result['to'])}" if "to" in result else "")


def _tell_written(out: Path, result: dict[str, Any]) -> None:
    """Say on stderr what was written, and how many songs have a file."""
    n_songs = len(result["songs"])
    n_files = sum(bool(song.get("file")) for song in result["songs"])
    text = f"{out}: {n_songs} songs"
    if out.suffix.lower() in {".m3u", ".m3u8"}:
        text += f", {n_files} of them with a file" + (
            "" if n_files else "; --files names the folder of yours"
        )
    print(shown(text), file=sys.stderr)


def song_map(
    model: Model = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the path, open nothing.")] = False,
    versions: Versions = False,
    as_json: Json = False,
) -> None:
    """Open the map of songs in the browser, or print its path where there is no display.

    Of the versions and covers of a song the first by its id is on the map. Without --model and --versions it
    is the map that `dvc repro` drew; else the checkout's songs are drawn anew, in seconds, into work/maps/.
    """
    is_made = model is None and not versions
    page = files.checkout() / "artifacts" / "songmap.html" if is_made else _drawn(model, versions)
    if not page.is_file():
        raise ValueError(f"{page}: not there yet; run `dvc repro` to draw the map")
    opened = False
    if not only_print and not as_json and _has_display():
        import webbrowser

        opened = webbrowser.open(page.as_uri())
    if as_json:
        shell.print_json({"path": str(page), "opened": opened})
    else:
        print(page)


def _drawn(model: str | None, versions: bool) -> Path:
    """Draw the map of the checkout's catalogue, without a model by that of stage `songmap`; returns its page.

    Raises:
        ValueError: there is no such model, no table of songs, or the model knows words of fewer than 3.
    """
    from neuralist.api import locate
    from neuralist.config import corpus, params, records
    from neuralist.data import parquet, tables
    from neuralist.model.encoder import Encoder
    from neuralist.songmap import drawing, layout

    root = files.checkout()
    settings = params.load(root / "params.yaml")
    folder = locate.find(model or settings.mapped_experiment, shell.resources)
    trained, encoder = records.load_experiment(folder), Encoder.load(folder)
    songs = parquet.read(root / "artifacts" / "catalogue_songs.parquet", tables.SONGS)
    shown = songs if versions else layout.first_versions(songs)
    note = corpus.load(root / "artifacts" / "corpus.json").note
    name = f"{trained.name}-{trained.fingerprint[:12]}{'-versions' if versions else ''}"
    page = root / "work" / "maps" / f"{name}.html"
    content, _ = drawing.page(drawing.draw(shown, encoder, settings.songmap, trained.name), note)
    files.write_text(page, content)
    return page


def _has_display() -> bool:
    return sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


class _Lyrics(NamedTuple):
    """Lyrics of an argument, and where they are from, as messages name it."""

    source: str
    text: str


def _lyrics(argument: str, name: str, *, is_text: bool) -> _Lyrics:
    """Return the lyrics of an argument: a file, "-" for stdin, or the lyrics themselves.

    What may be a path is one: a misspelled file name must not get an answer as if it were lyrics.

    Raises:
        ValueError: the file cannot be read, or is too large.
    """
    from neuralist.serving import lyrics

    max_bytes = 4 * lyrics.MAX_CHARACTERS  # a character has at most 4 in UTF-8
    is_file = _is_there(argument, Path.is_file)
    source = name if argument == "-" else f"{name}, {argument if is_file else excerpt(argument)}"
    if not is_text and argument == "-":
        content = sys.stdin.buffer.read(max_bytes + 1)
    elif not is_text and is_file:
        with Path(argument).open("rb") as file:
            content = file.read(max_bytes + 1)
    elif not is_text and _may_be_path(argument):
        found = "a folder" if _is_there(argument, Path.is_dir) else "no such file"
        raise ValueError(f"{source}: {found}; give a file, or --text and the lyrics")
    else:
        source, content = name, argument.encode("utf-8", "replace")
    if len(content) > max_bytes:
        raise ValueError(f"{source}: more than {max_bytes:,} bytes; give the lyrics of one song")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    return _Lyrics(source, text)


def _cleaned(model: "api.Model", given: _Lyrics) -> str:
    """Return lyrics as the model reads them.

    Raises:
        ValueError: the text is no lyrics.
    """
    from neuralist.serving import lyrics

    try:
        return lyrics.cleaned(given.text, model.encoder.clean)
    except ValueError as error:
        raise ValueError(f"{given.source}: {error}") from None


def _may_be_path(argument: str) -> bool:
    """Return whether a text looks like a path: a file's ending, or a slash, and all on one line."""
    if "\n" in argument.strip():
        return False
    is_word = len(argument.split()) == 1 and Path(argument).suffix != ""
    return is_word or "/" in argument or argument.rstrip().lower().endswith((".txt", ".lrc"))


def _check_known(model: "api.Model", source: str, share: float) -> None:
    """Warn on stderr where the model knows a low share of a text's tokens.

    Raises:
        ValueError: it knows none.
    """
    from neuralist.serving import lyrics

    unit = model.encoder.windowing.unit
    if not share:
        raise ValueError(f"{source}: received {lyrics.unknown(unit)}")
    if share < lyrics.LOW_KNOWN:
        shell.warn(f"{source}: the model knows {share:.0%} of its {unit}s; do not rely on the answer")


def _is_there(argument: str, test: Callable[[Path], bool]) -> bool:
    """Return whether a text names a file, or a folder, as `test` asks."""
    try:
        return test(Path(argument))
    except (OSError, ValueError):  # lyrics may be longer than any file name
        return False


def _find(catalogue: "Catalogue", song: str, option: str) -> tuple[int, dict[str, Any]]:
    """Return the position of a song in the catalogue, and its metadata.

    Args:
        catalogue: to look in.
        song: an id, or "artist - title".
        option: that gave it, for the message.

    Raises:
        ValueError: no song has this name or nearly this name.
    """
    match = catalogue.find(song)
    if match.position is None:
        near = "; ".join(f"'{label}'" for label in match.suggestions)
        raise ValueError(
            f"{option}: no song '{song}' among the {len(catalogue.songs):,} of the catalogue; "
            + (f"did you mean {near}?" if near else "give 'artist - title'")
        )
    [metadata] = _records(catalogue.songs.iloc[[match.position]].drop(columns="language"))
    return match.position, metadata


def _records(songs: "pd.DataFrame") -> list[dict[str, Any]]:
    import pandas as pd

    shown_names = ("rank", "song_id", "artist", "title", "year", "language", "score", "similarity")
    names = [name for name in shown_names if name in songs]
    rows = songs[names].astype(object).itertuples(index=False, name=None)
    return [
        {name: None if pd.isna(value) else value for name, value in zip(names, row, strict=True)}
        for row in rows
    ]


def _print_songs(catalogue: "Catalogue", result: dict[str, Any], word: str, as_json: bool) -> None:
    if as_json:
        shell.print_json(result)
        return
    query = result["query"]
    if query:
        year = f" ({query['year']})" if query["year"] else ""
        print(f"{word} {shown(catalogue.label(query['song_id'], query['artist'], query['title']))}{year}\n")
    scored = ["score"] if any(song.get("score") is not None for song in result["songs"]) else []
    spoken = ["language"] if any("language" in song for song in result["songs"]) else []
    alike = ["similarity"] if any("similarity" in song for song in result["songs"]) else []
    columns = ["rank", *scored, *alike, "artist", "title", "year", *spoken]
    songs = [
        song | {"title": catalogue.label(song["song_id"], None, song["title"])} for song in result["songs"]
    ]
    rows = [[song[name] for name in columns] for song in songs]
    shell.console().print(shell.table(["", *columns[1:]], rows))
    if "used" in result:
        shell.console().print(shown(_ranked_by(result)))
    _print_provenance(result)


def _ranked_by(result: dict[str, Any]) -> str:
    """Return what ranked the songs, as a sentence: By lyrics, year and tags."""
    from neuralist.serving.catalogue import FAR_YEARS, OTHER, SAME, joined

    text = f"By {joined(result['used'])}"
    if "contrast" in result:
        genres, year = result["contrast"]["genres"], result["contrast"]["year"]
        far = [f"of another genre than {joined(genres)}"] if genres else []
        far += [f"{FAR_YEARS} years or more from {year}"] if year is not None else []
        text += f", among songs {' or '.join(far)}"
    if "language" in result:
        asked, own = result["language"]["asked"], result["language"]["query"]
        where = {SAME: f"in {own}", OTHER: f"in another language than {own}"}
        text += f", {where.get(asked, f'in {asked}')}"
    # Of lyrics that were given, notes are warnings.
    why = "; ".join(result["notes"] if result["query"] else [])
    return f"{text}: {why}." if why else f"{text}."


def _provenance(served: "ServedModel") -> dict[str, Any]:
    """Return the model, its corpus, and the baselines over which it has no lead: printed with every score."""
    return {"model": served.experiment, "corpus": served.corpus_note, "no_lead_over": list(served.lags)}


def _print_provenance(result: dict[str, Any]) -> None:
    text = f"Model {result['model']}."
    if result["no_lead_over"]:
        text += f" On val it shows no lead over: {', '.join(result['no_lead_over'])}."
    shell.console().print(shown(f"{text} {result['corpus']}"), style="dim")

"""The schema of every table: column names and types.

| table | a row is |
|---|---|
| songs | a song with lyrics, with all its track ids |
| rejects | a raw record that was not used, and why |
| listed | a similarity as the source lists it, between two track ids |
| rows | a listed similarity between two songs, directed and repeated (protocol paper) |
| pairs | an unordered pair of songs, once (protocol songs) |
| unlisted | a pair that could be listed and is not, drawn for training; weight: pairs it represents |
| pretraining_songs | a text of the graded pairs that an experiment is first trained on |
| pretraining_pairs | a graded pair of such texts |
| predictions | an experiment's prediction for a row or pair |
| catalogue | a song that the served model may recommend |
"""

import pyarrow as pa

TEXT, TEXTS, WHOLE, NUMBER, TRUTH = pa.string(), pa.list_(pa.string()), pa.int64(), pa.float64(), pa.bool_()
_PAIR = {"left_id": TEXT, "right_id": TEXT}

SONGS = pa.schema(
    {
        "song_id": TEXT,
        "track_ids": TEXTS,
        "artist": TEXT,
        "title": TEXT,
        "year": WHOLE,
        "tags": TEXTS,  # the record's own, then those that stand in its tracks' similarity lists
        "lastfm_tags": TEXTS,  # Last.fm's for its tracks: case-folded, each once, heaviest first
        "lastfm_weights": pa.list_(NUMBER),  # of these, from 0 to 100
        "genre": TEXT,
        "language": TEXT,  # a code as text.languages gives it, "?" where it is unknown
        "lyrics": TEXT,  # cleaned by text.cleaning
        "raw_lyrics": TEXT,  # as they came
        "n_words": WHOLE,
        "has_list": TRUTH,
        "group_id": TEXT,
        "fold": WHOLE,
    }
)
REJECTS = pa.schema({"source": TEXT, "where": TEXT, "reason": TEXT, "value": TEXT})
LISTED = pa.schema({"source_id": TEXT, "target_id": TEXT, "similarity": NUMBER, "split": TEXT})
ROWS = pa.schema({**_PAIR, "similarity": NUMBER, "split": TEXT})
PAIRS = pa.schema(
    {**_PAIR, "similarity": NUMBER, "lowest": NUMBER, "highest": NUMBER, "n_rows": WHOLE, "split": TEXT}
)
UNLISTED = pa.schema({**_PAIR, "split": TEXT, "weight": NUMBER})
PRETRAINING_SONGS = pa.schema({"song_id": TEXT, "lyrics": TEXT})
PRETRAINING_PAIRS = pa.schema({**_PAIR, "similarity": NUMBER})
PREDICTIONS = pa.schema(
    {"experiment": TEXT, "split": TEXT, **_PAIR, "similarity": NUMBER, "listed": TRUTH, "predicted": NUMBER}
)
CATALOGUE = pa.schema(
    {
        "song_id": TEXT,
        "artist": TEXT,
        "title": TEXT,
        "year": WHOLE,
        "genre": TEXT,
        "language": TEXT,  # as in songs
        "group_id": TEXT,
        "first_words": TEXT,  # of a song without artist and title; else null
        "tags": TEXTS,  # those of both columns of songs, case-folded, each once
        "tag_weights": pa.list_(NUMBER),  # of these, above 0: 1, or of Last.fm's alone a hundredth of theirs
    }
)

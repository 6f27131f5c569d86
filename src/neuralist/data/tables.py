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

STRINGS = pa.list_(pa.string())

SONGS = pa.schema(
    [
        ("song_id", pa.string()),
        ("track_ids", STRINGS),
        ("artist", pa.string()),
        ("title", pa.string()),
        ("year", pa.int64()),
        ("tags", STRINGS),
        ("genre", pa.string()),
        ("language", pa.string()),
        ("lyrics", pa.string()),
        ("n_words", pa.int64()),
        ("has_list", pa.bool_()),
        ("group_id", pa.string()),
        ("fold", pa.int64()),
    ]
)
REJECTS = pa.schema(
    [("source", pa.string()), ("where", pa.string()), ("reason", pa.string()), ("value", pa.string())]
)
LISTED = pa.schema(
    [
        ("source_id", pa.string()),
        ("target_id", pa.string()),
        ("similarity", pa.float64()),
        ("split", pa.string()),
    ]
)
ROWS = pa.schema(
    [
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("similarity", pa.float64()),
        ("split", pa.string()),
    ]
)
PAIRS = pa.schema(
    [
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("similarity", pa.float64()),
        ("lowest", pa.float64()),
        ("highest", pa.float64()),
        ("n_rows", pa.int64()),
        ("split", pa.string()),
    ]
)
UNLISTED = pa.schema(
    [("left_id", pa.string()), ("right_id", pa.string()), ("split", pa.string()), ("weight", pa.float64())]
)
PRETRAINING_SONGS = pa.schema([("song_id", pa.string()), ("lyrics", pa.string())])
PRETRAINING_PAIRS = pa.schema(
    [("left_id", pa.string()), ("right_id", pa.string()), ("similarity", pa.float64())]
)
PREDICTIONS = pa.schema(
    [
        ("experiment", pa.string()),
        ("split", pa.string()),
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("similarity", pa.float64()),
        ("listed", pa.bool_()),
        ("predicted", pa.float64()),
    ]
)
CATALOGUE = pa.schema(
    [
        ("song_id", pa.string()),
        ("artist", pa.string()),
        ("title", pa.string()),
        ("year", pa.int64()),
        ("genre", pa.string()),
    ]
)

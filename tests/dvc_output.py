"""What `dvc repro` prints where only the stages that always run had to."""

SECOND_CALL = """\
'data.dvc' didn't change, skipping
Stage 'songs' didn't change, skipping
Stage 'train@words15' didn't change, skipping
Running stage 'track':
> python pipelines/track.py data artifacts
the runs, in `mlflow ui`: http://here

Running stage 'register':
> python pipelines/register.py data artifacts
lyrics is version 1 already
Use `dvc push` to send your updates to remote storage.
"""

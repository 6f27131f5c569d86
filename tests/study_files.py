"""What the stage study leaves, as small as it can be: one trial of each state."""

from pathlib import Path

BEST = """study: songs300-0123456789abcdef
experiment: songs300
trial: 0
metric: val_spearman
value: 0.5
params: {units: 25, pooling: mean}
"""
TRIALS = """trial,state,value,epochs,units,pooling
0,complete,0.5,2,25,mean
1,pruned,0.125,1,50,last
2,fail,,0,100,max
3,running,,1,100,mean
"""
EPOCHS = """trial,epoch,value
0,1,0.25
0,2,0.5
1,1,0.125
3,1,0.0625
"""


def write_study(folder: Path) -> Path:
    """Fill a folder as artifacts/study is filled."""
    folder.mkdir(parents=True)
    for name, text in (("best.yaml", BEST), ("trials.csv", TRIALS), ("epochs.csv", EPOCHS)):
        (folder / name).write_text(text)
    (folder / "study.html").write_text("<p>figures</p>")
    return folder

"""Neuralist: how alike two songs are, learned from their lyrics."""

import warnings

# Great Expectations imports all of PySpark where it is installed, and that doubts pandas 3 at once. Tables go
# to Spark and come from it as Arrow's; where pandas has a part, in Spark's functions, the warning stays.
warnings.filterwarnings(
    "ignore",
    "PySpark does not yet fully support pandas",
    FutureWarning,
    r"pyspark\.(sql\.connect|testing)\.utils",
)

"""Make of a song's lyrics what another person might have written down: lines left out, words kept.

Input: a text with line ends. Output: VERSIONS texts. Training reads them beside the text itself, so that a
song's embedding depends less on who wrote it down.
"""

import numpy as np

from neuralist.text.tokenizer import words

VERSIONS = 3  # texts that `others` returns
# Chosen by hand: a last verse and an end that fades out are about so long, and few lines go missing.
LEAST_READ, LINE_DROP = 0.6, 0.15


def others(text: str, rng: np.random.Generator) -> tuple[str, str, str]:
    """Return a text with each line once, one without its end, and one without lines at random.

    Each holds the first line that has a word; a text of one line stays as it is.

    Args:
        text: at least one word.
        rng: decides where the end begins, and which lines go.
    """
    lines = [line for line in text.splitlines() if words(line)]
    n_read = max(1, round(len(lines) * rng.uniform(LEAST_READ, 1)))
    is_kept = rng.random(len(lines)) >= LINE_DROP
    kept = lines[:1] + [line for line, stays in zip(lines[1:], is_kept[1:], strict=True) if stays]
    once = dict.fromkeys(" ".join(words(line)) for line in lines)
    return "\n".join(once), "\n".join(lines[:n_read]), "\n".join(kept)

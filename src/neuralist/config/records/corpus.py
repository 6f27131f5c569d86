"""What a raw folder says of itself to later stages."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from neuralist.config.experiment import Section


def _one_line(text: Any) -> Any:
    return " ".join(text.split()) if isinstance(text, str) else text


OneLine = Annotated[str, BeforeValidator(_one_line)]
Epochs = Annotated[int, Field(ge=1)]


class CorpusNote(Section):
    """What a raw folder says of itself to later stages.

    Attributes:
        note: one sentence for readers, on one line; may be empty.
        epochs: of an experiment whose epochs are auto, at least 1.
    """

    note: OneLine
    epochs: Epochs

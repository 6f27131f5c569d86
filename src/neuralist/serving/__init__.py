"""The trained encoder as one folder that answers: pairs of texts, and neighbours in a catalogue."""

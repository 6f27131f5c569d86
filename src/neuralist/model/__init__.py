"""The model: MaLSTM and its layers, the exported encoder, and the regressions beside it."""

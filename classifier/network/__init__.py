"""The model itself: encoder, heads, linear model, calibration, and how they lie on disk."""

"""From text to assessment: normalise, mask, encode, calibrate, explain; train, evaluate, weights."""

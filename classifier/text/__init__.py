"""From a post as typed to the text the model sees: normalised, with names, parties and ballot numbers as slots."""

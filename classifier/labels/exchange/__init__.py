"""Label rows in the formats of annotation tools: one file a tool, and what they share."""

"""The emulated Sky Q box and the story told with it."""

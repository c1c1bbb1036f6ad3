"""The formats of other programs' files: text in, facts out. Nothing here knows a path, a map or a state."""

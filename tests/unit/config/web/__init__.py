"""The web configuration's text."""

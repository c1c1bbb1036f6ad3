"""Folding events into the draft of the next state, one module for each kind of source."""

"""The targets, a module for each origin of the bytes."""

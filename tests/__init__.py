"""Tests of mpathd-watch."""

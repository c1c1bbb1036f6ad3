"""Tests of core/folding."""

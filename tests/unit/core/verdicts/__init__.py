"""Tests of core/verdicts."""

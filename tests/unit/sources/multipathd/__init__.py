"""Tests of sources/multipathd."""

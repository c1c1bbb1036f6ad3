"""Tests of sources/network."""

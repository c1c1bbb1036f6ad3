"""Tests of sources/configuration."""

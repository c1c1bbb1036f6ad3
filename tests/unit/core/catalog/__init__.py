"""Tests of core/catalog."""

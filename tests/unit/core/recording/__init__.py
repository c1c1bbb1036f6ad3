"""Tests of core/recording."""

"""Tests of core/stories."""

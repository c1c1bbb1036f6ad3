"""Tests of core/drill."""

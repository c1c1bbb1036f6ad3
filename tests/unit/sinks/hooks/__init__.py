"""Tests of sinks/hooks."""

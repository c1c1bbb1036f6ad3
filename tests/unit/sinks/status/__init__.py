"""Tests of sinks/status."""

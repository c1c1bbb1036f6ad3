"""Tests of sinks/drill."""

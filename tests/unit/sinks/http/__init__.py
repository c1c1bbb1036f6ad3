"""Tests of sinks/http."""

"""Tests of what joins the paths."""

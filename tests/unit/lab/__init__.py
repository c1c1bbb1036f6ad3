"""Tests of the lab's own parts that need no guest."""

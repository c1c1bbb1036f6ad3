"""Tests of what the lab's scenarios rest on."""

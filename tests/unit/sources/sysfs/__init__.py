"""Tests of sources/sysfs."""

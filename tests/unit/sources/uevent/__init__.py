"""Tests of sources/uevent."""

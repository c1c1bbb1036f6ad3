"""Tests of sources/iscsi."""

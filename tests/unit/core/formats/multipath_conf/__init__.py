"""Tests of core/formats/multipath_conf."""

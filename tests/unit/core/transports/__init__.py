"""Tests of core/transports and core/layers."""

"""Tests of sources/netlink."""

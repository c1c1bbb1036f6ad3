"""Multipath maps and disks, from sysfs."""

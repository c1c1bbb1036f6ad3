"""Netlink: requests to the kernel, and groups that are only listened to."""

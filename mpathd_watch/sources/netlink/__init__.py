"""Netlink: conversations with the kernel, and groups that are only listened to."""

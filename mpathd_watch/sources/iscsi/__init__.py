"""The kernel's own word on iSCSI connections that failed (NETLINK_ISCSI)."""

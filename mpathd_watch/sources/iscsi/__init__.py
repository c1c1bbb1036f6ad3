"""iSCSI: the sessions, this host's ends of them, their TCP connections, and the errors that the kernel reports."""

"""iSCSI: the sessions, their local ends, their TCP connections, and the errors that the kernel reports."""

"""The kernel's uevents of block devices, including dm-multipath's path events."""

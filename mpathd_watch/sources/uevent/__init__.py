"""The kernel's uevents of block devices, dm-multipath's path events among them."""

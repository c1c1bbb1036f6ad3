"""Maps and disks, as sysfs has them."""

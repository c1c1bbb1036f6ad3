"""sysfs: maps, their member disks, and the iSCSI sessions behind them."""

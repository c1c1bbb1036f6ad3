"""Stand-ins for what is outside: sysfs, multipathd."""

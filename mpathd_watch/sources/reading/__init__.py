"""What every source needs to read and to report whether it answers."""

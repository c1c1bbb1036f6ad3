"""What every source needs in order to read, and to report whether it answers."""

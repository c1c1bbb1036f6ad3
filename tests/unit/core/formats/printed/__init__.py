"""What tools print for people."""

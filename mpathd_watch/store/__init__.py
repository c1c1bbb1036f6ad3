"""What outlives the process: files that are replaced as a whole."""

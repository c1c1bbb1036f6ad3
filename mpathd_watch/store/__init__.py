"""What outlives the process: files that are replaced atomically."""

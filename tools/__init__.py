"""What builds, checks and documents the project; nothing here is shipped."""

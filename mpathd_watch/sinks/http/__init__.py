"""HTTP: metrics, health and a page for people."""

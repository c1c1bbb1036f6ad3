"""TLS below the HTTP server."""

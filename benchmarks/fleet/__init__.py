"""Many simulated hosts in one process, scraped by a real Prometheus that a real Alertmanager stands behind."""

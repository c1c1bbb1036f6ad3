"""The dashboards of docs/grafana, on a Prometheus that has what a replay and a simulated fleet export."""

"""The fuzz targets on inputs that are made here, and on those that campaigns have kept."""

"""What is built for other hosts: the RPM package and the wheel."""

"""What the benchmarks compare Stepwell with: networks and data for all, and other trainers on their defaults."""

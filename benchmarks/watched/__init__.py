"""What benchmarks/doctor.py watches and counts: problems, networks, loops as people write them, and rules of others."""

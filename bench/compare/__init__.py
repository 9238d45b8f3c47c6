"""The parts of compare.py: contestants, the upstream and load around them, rows, the report."""

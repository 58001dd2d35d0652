"""Maximizers that search: annealing, exchanges, and nearest common points."""

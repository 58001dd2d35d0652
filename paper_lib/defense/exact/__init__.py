"""Maximizers that prove: closed forms, hitting sets, boxes, the plane."""

"""Kernels that share memory: forked from one process that has imported and loaded everything already (Linux)."""

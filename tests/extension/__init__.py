"""Tests that keep the JupyterLab extension in step with Python."""

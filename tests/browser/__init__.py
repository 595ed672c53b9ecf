"""The explorer in a real JupyterLab, driven in headless Chromium."""

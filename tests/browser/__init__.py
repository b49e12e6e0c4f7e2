"""Students' journeys in a real browser: JupyterLab and Notebook, several kernels, no network."""

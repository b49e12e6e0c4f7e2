"""What is seen: the only place that imports matplotlib, IPython and widgets."""

"""Agreement with Keras 3: one table of cases, run under Keras and under kerasnb, and compared."""

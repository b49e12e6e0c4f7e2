"""From a traced step to a program that runs it. Asks an op's kind, never its name."""

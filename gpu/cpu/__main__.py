"""`python -m gpu.cpu` compiles every kernel once, so that even the first start is quick."""

from gpu.cpu.warming import warm

warm()

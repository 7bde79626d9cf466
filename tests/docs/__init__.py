"""The documentation's own tools: pages generated from the code, and tests that the written pages stay true."""

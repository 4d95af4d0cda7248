"""Programs that nobody here wrote, run plain and under the compat layer."""

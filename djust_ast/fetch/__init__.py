"""Running a plan: the only code that executes queries."""

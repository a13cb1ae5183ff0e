"""A grading engine for nbgrader courses: student code in a sandbox, tests in a process of their own."""

__version__ = "0.1.0"

"""Group normalization, as an instructor would add it: tests/test_own_course.py copies this folder to reference/."""

"""The instructor's side of the course: solutions, checks, known mistakes, and what makes notebooks of them."""

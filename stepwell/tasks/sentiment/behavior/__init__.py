"""What texts are changed into, and what that should do to an answer: one test a file."""

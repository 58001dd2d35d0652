"""What single pages of the book draw and tabulate."""

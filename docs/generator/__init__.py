"""Generate the reference pages from the code and collect all pages of the documentation site."""

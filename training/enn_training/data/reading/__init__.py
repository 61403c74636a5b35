"""Read tables: CSV, also compressed or from standard input, and Parquet."""

"""Choice of rows: those that train and those that judge, and how much each counts."""

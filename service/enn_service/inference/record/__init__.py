"""Record of predictions and of their true values in a database.

`recorder` takes the rows of each answer and writes them in a thread, `store` is the database, `schema` its tables,
`migration` brings its schema up to date, and `feedback` stores true values. Nothing here is imported unless the setting
`record` names a database.
"""

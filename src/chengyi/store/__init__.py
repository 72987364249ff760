"""Where rows, objects and tables are kept; one adapter a file, chosen by `node.toml`.

rows: SQLite, then PostgreSQL. objects: folders, then S3. tables: Delta Lake read by DuckDB.
"""

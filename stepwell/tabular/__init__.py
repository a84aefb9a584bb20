"""Tables read from files of text, Parquet files and memory, for every task whose examples are rows."""

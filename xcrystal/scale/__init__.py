"""The same functions over millions of crystals: partition by partition, in one process or on a Dask scheduler."""

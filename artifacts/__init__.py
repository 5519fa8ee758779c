"""The contract between the stages: what a teacher knows, as verified Parquet shards."""

"""The contract between the stages: a teacher's answers as verified Parquet shards."""

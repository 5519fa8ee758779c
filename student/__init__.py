"""Stage two: stream the shards and distil one multilingual student."""

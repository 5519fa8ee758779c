"""Put results on record: `python -m tests.results ROOM...`, once the number of each has been raised."""

import json
import sys
import tempfile
from pathlib import Path

import torch

from tests.results import recorded
from tests.results.rooms import ROOMS

torch.set_num_threads(1)
known = recorded.read()
for room in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        results = recorded.as_read(ROOMS[room](Path(folder)))
    old, numbers = known.get(room), recorded.numbers_of(room)
    if old and old["numbers"] == numbers and [*recorded.differences(results, old["results"])]:
        sys.exit(f"{room}: raise its number first, {recorded.number_of(room).place}; on record are those of {numbers}")
    known[room] = {"numbers": numbers, "results": results}
lines = (f"{json.dumps(room)}: {json.dumps(known[room])}" for room in sorted(known))
recorded.FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")

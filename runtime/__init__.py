"""The parts that a finished student needs at run time, without torch: today, splitting text into words."""

"""What a finished student needs at run time, without torch: so far, splitting text into words."""

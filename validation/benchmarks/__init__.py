"""Speed and quality per compute, as ratios to a peer measured in the same run."""

"""Films: frames with date, scale bar, legend and credit, and the files they become."""

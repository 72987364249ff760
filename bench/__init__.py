"""Measurements of the whole product, as ratios to a peer in the same run where there is one.

Rules: a figure is the median of several runs, with the least and the most beside it; the machine is named; nothing
here judges or fails on a time; a peer does the same durable work by plain means. Whole commands run as processes of
their own, whose memory the operating system counts. ``python -m bench --help`` lists the measurements.
"""

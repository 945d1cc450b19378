"""A data set past one machine: photos and videos through Ray Data, to a folder of Parquet files.

stores.py     folders on this machine, and behind an address such as s3://bucket/folder
listing.py    a source -> its items
plan.py       items -> parts; each part becomes one file of the output
reading.py    Ray tasks: decode the photos of a part
worker.py     Ray actors: each loads the network once, and finds the people
rows.py       people and failures -> tables
output.py     the output folder: settings, plan, finished parts
cluster.py    start or join Ray, and check that the workers fit
pipeline.py   all of it as one dataset of Ray; the program collects the results and writes each part
"""
